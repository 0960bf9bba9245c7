/**
 * Answers an operator's question about a request that nobody sent: the verdict of `place` with everything that led to it,
 * as plain JSON. Names are as on the wire (snake_case). It decides nothing by itself.
 */
import type { MeshMode } from '../config/mode.ts'
import type { Result } from '../result.ts'
import { err, ok } from '../result.ts'
import type { MeshConfig } from '../schema/mesh.ts'
import type { ResidencyQuestion } from '../schema/residency-question.ts'
import { edgeRegionOf, jurisdictionOfArrival, type Arrival } from './arrival.ts'
import { knownDataClass } from './data-class.ts'
import { headerFactsOf } from './header-facts.ts'
import { homeOf } from './home.ts'
import { judge, type Objection, type PlaceInput } from './judge.ts'
import { place } from './place.ts'
import type { Condition } from './rule-match.ts'
import type { Storage } from './storage.ts'
import { checkTermination } from './termination.ts'

export type ResidencyRefusal = 'termination_not_allowed' | 'model_not_found' | 'residency_violation'

export interface PlacementExplanation {
  /** What a client would be refused with; null where it would be served, as far as places are concerned. */
  readonly refused: ResidencyRefusal | null
  readonly termination: {
    readonly allowed: boolean
    /** Of the data centre it arrived at, where the config knows it. */
    readonly jurisdiction: string | null
    /** Where the client is told to go. */
    readonly host?: string
  }
  /** Whose measurements and, if allowed, storage it uses. */
  readonly edge_region: string
  /** The class that counts; null is the unknown, to which every rule about classes applies. */
  readonly data_class: string | null
  readonly rules: readonly ExplainedRule[]
  readonly pools: readonly ExplainedPool[]
  readonly restricted: boolean
  readonly storage: Storage
  readonly retention_seconds: number | null
  readonly home: { readonly region: string; readonly jurisdiction: string; readonly enforced: boolean } | null
  /** Why there is no home: then nothing is stored. */
  readonly no_home?: 'refused' | 'storage_none' | 'not_enforceable'
}

export interface ExplainedRule {
  readonly id: string
  /** A rule that does nothing matches nothing. */
  readonly matched: boolean
  readonly conditions: readonly Condition[]
}

export interface ExplainedPool {
  readonly id: string
  readonly region: string
  readonly jurisdiction: string
  readonly sovereign: boolean
  readonly allowed: boolean
  /** Asked before those that are not, while it can serve. */
  readonly preferred: boolean
  /** All that speaks against it; empty where it is allowed. */
  readonly out: readonly Objection[]
}

/** Fails with the member of the question that names nothing of this config. */
export function explainPlacement(
  question: ResidencyQuestion,
  { config, mode }: { readonly config: MeshConfig; readonly mode: MeshMode },
): Result<PlacementExplanation, 'tenant' | 'key' | 'model'> {
  const input = inputOf(question, config)
  if (!input.ok) return input
  const { tenant, model, arrival } = input.value
  const verdict = judge(input.value)
  const placement = place(input.value)
  const termination = checkTermination(tenant, arrival, config.regions)
  const mayUseModel = tenant.models === '*' || tenant.models.includes(model.id)
  const edgeRegion = edgeRegionOf(arrival, config.regions)
  const home = placement.ok ? homeOf(placement.value, edgeRegion, mode) : undefined
  const noHome = placement.ok ? (verdict.storage === 'none' ? 'storage_none' : 'not_enforceable') : 'refused'
  return ok({
    refused: refusal({ mayTerminate: termination.ok, mayUseModel, isPlaced: placement.ok }),
    termination: {
      allowed: termination.ok,
      jurisdiction: jurisdictionOfArrival(arrival, config.regions) ?? null,
      ...(termination.ok || tenant.terminate?.hosts?.[0] === undefined
        ? {}
        : { host: tenant.terminate.hosts[0] }),
    },
    edge_region: edgeRegion.id,
    data_class: knownDataClass(input.value) ?? null,
    rules: verdict.rules.map(({ rule, isMatched, conditions }) => ({
      id: rule.id,
      matched: isMatched,
      conditions,
    })),
    pools: verdict.pools.map(({ pool, region, objections }) => ({
      id: pool.id,
      region: region.id,
      jurisdiction: region.jurisdiction,
      sovereign: pool.sovereign,
      allowed: objections.length === 0,
      preferred: placement.ok && placement.value.pools.some((one) => one.pool === pool && one.isPreferred),
      out: objections,
    })),
    restricted: verdict.isRestricted,
    storage: verdict.storage,
    retention_seconds: tenant.retention_seconds ?? null,
    ...(home === undefined
      ? { home: null, no_home: noHome }
      : {
          home: {
            region: home.region,
            jurisdiction: home.jurisdiction,
            enforced: home.enforceJurisdiction,
          },
        }),
  })
}

function inputOf(
  question: ResidencyQuestion,
  config: MeshConfig,
): Result<PlaceInput, 'tenant' | 'key' | 'model'> {
  const { key, data_class: dataClass, residency: narrow } = question
  const tenant = config.tenants.find(({ id }) => id === question.tenant)
  if (tenant === undefined) return err('tenant')
  if (key !== undefined && !tenant.keys.some(({ id }) => id === key)) return err('key')
  const model = config.models.find(({ id }) => id === question.model)
  if (model === undefined) return err('model')
  const texts = new Map(Object.entries(question.headers))
  return ok({
    config,
    tenant,
    model,
    arrival: arrivalOf(question),
    headers: headerFactsOf(config.rules, (name) => texts.get(name) ?? null),
    ...(key === undefined ? {} : { keyId: key }),
    ...(dataClass === undefined ? {} : { dataClass }),
    ...(narrow === undefined ? {} : { narrow }),
  })
}

function arrivalOf({ country, continent, colo, host }: ResidencyQuestion): Arrival {
  return {
    host: host ?? '',
    ...(country === undefined ? {} : { country }),
    ...(continent === undefined ? {} : { continent }),
    ...(colo === undefined ? {} : { colo }),
  }
}

/** In the order in which a request meets them. */
function refusal(verdicts: {
  readonly mayTerminate: boolean
  readonly mayUseModel: boolean
  readonly isPlaced: boolean
}): ResidencyRefusal | null {
  if (!verdicts.mayTerminate) return 'termination_not_allowed'
  if (!verdicts.mayUseModel) return 'model_not_found'
  return verdicts.isPlaced ? null : 'residency_violation'
}
