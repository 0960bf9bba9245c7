/** What an audit log says of one request, as far as the request came. */
import type { ErrorReason } from '../errors.ts'
import type { AnswerFacts, AnswerOutcome } from '../log/answer-facts.ts'
import type { Arrival } from '../residency/arrival.ts'
import { knownDataClass } from '../residency/data-class.ts'
import type { Home } from '../residency/home.ts'
import type { Placement } from '../residency/place.ts'
import type { MeshConfig, Tenant } from '../schema/mesh.ts'
import { answeringPoolOf } from './answering-pool.ts'
import type { AuditFacts } from './entry.ts'

/** What was known of the request, and decided. Members that it did not come to are left out. */
export interface AuditedRequest {
  readonly requestId: string
  /** Whose it is, and the id of the key. */
  readonly tenant: Tenant
  readonly keyId: string
  readonly arrival: Arrival
  readonly configVersion: string
  readonly surface?: string
  /** As in the config. */
  readonly model?: string
  readonly modelVersion?: string
  /** As the client claims it. */
  readonly dataClass?: string
  readonly edgeRegion?: string
  readonly placement?: Pick<Placement, 'pools' | 'restricted' | 'rules'>
  readonly home?: Home
}

/** How it ended. */
export interface AuditedEnd {
  readonly status: number
  readonly error?: ErrorReason
  /** Of the answer, if one began. */
  readonly facts?: Pick<AnswerFacts, 'outcome'> & Partial<AnswerFacts>
  readonly outcome?: AnswerOutcome
  /** Ids of the pools that made it, in order; without them, the one that began it. */
  readonly pools?: readonly string[]
  /** Whether the client came back to an answer. */
  readonly isResumed?: boolean
}

/** An entry names no more of the pools that might be asked. */
const MAX_ALLOWED_POOLS = 64

/** Of a request that may be answered, before it is. */
export function factsOfDecision(request: AuditedRequest, atMs: number): AuditFacts {
  return { ...commonFacts(request, atMs), event: 'decision', decision: 'allowed', pools: [] }
}

/**
 * Of a request that is over. `event`: whether this is all that the log says of it, or a decision was kept before. Refused is what
 * got an error and nothing of an answer; a client that left before it was answered refused itself.
 */
export function factsOfEnd(
  request: AuditedRequest,
  end: AuditedEnd,
  { event, atMs }: { readonly event: 'request' | 'end'; readonly atMs: number },
  config: Pick<MeshConfig, 'pools' | 'regions'>,
): AuditFacts {
  const { status, error, facts, outcome } = end
  const isRefused = facts === undefined && error !== undefined && error !== 'client_cancelled'
  const pools = end.pools ?? (facts?.pool === undefined ? [] : [facts.pool])
  const cache = end.isResumed === true ? 'resumed' : facts?.outcome
  return {
    ...commonFacts({ ...(facts?.modelVersion && { modelVersion: facts.modelVersion }), ...request }, atMs),
    event,
    decision: isRefused ? 'refused' : 'allowed',
    status,
    ...(error && { error }),
    ...(outcome && { outcome }),
    ...(facts && cache && { cache }),
    pools: pools.map((pool) => answeringPoolOf(pool, config)),
  }
}

function commonFacts(
  request: AuditedRequest,
  atMs: number,
): Omit<AuditFacts, 'event' | 'decision' | 'pools'> {
  const { arrival, surface, model, modelVersion, edgeRegion, placement, home } = request
  const { country, colo } = arrival
  const dataClass = knownDataClass(request)
  return {
    at: new Date(atMs).toISOString(),
    request_id: request.requestId,
    key: request.keyId,
    config: request.configVersion,
    rules: [...(placement?.rules ?? [])],
    ...(surface && { surface }),
    ...(model && { model }),
    ...(modelVersion && { model_version: modelVersion }),
    ...(dataClass && { data_class: dataClass }),
    ...(country && { country }),
    ...(colo && { colo }),
    ...(edgeRegion && { edge_region: edgeRegion }),
    ...(placement && {
      restricted: placement.restricted,
      allowed_pools: placement.pools.slice(0, MAX_ALLOWED_POOLS).map(({ pool }) => pool.id),
      allowed_count: placement.pools.length,
    }),
    ...(home && { home: { region: home.region, jurisdiction: home.jurisdiction } }),
  }
}
