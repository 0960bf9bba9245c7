/** The whole verdict on one request: every rule with its conditions, and every pool with all that speaks against it. */
import type { MeshConfig, Model, Pool, Region, Rule, Tenant } from '../schema/mesh.ts'
import { narrowing } from './narrowing.ts'
import { conditionsOf, holds, type Condition, type RuleSubject } from './rule-match.ts'
import { isAllowedBy, isTakenBy, type PoolSite } from './selector.ts'
import { strictestStorage, type Storage } from './storage.ts'
import { isInFloor, isLimit, isRestrictedTenant, isSovereignEnough } from './tenant-limits.ts'

export interface PlaceInput extends RuleSubject {
  readonly config: MeshConfig
  /** Words of the client's narrowing header: jurisdictions, regions or pool ids. Can only take pools away. */
  readonly narrow?: readonly string[]
}

/** What speaks against a pool. */
export type Objection =
  | { readonly by: 'floor' | 'sovereign' | 'header' | 'model' }
  | { readonly by: 'rule'; readonly rule: string; readonly through: 'only' | 'except' | 'sovereign' }

export interface PoolVerdict extends PoolSite {
  /** Empty where the pool may be used. */
  readonly objections: readonly Objection[]
}

export interface RuleVerdict {
  readonly rule: Rule
  readonly conditions: readonly Condition[]
  readonly isMatched: boolean
}

export interface Verdict {
  /** All rules, in the config's order. */
  readonly rules: readonly RuleVerdict[]
  /** All pools whose region exists, in the config's order: one without cannot be judged, so it is in no placement. */
  readonly pools: readonly PoolVerdict[]
  /** Whether a floor, a rule or a header says that not everything is allowed, even if it took nothing away. */
  readonly isRestricted: boolean
  readonly storage: Storage
  readonly prefersSovereign: boolean
  /** Regions of all pools that only the model may speak against, in the pools' order. */
  readonly storageRegions: readonly Region[]
}

/**
 * Floor ∩ every matching rule ∩ the client's narrowing, then the pools that serve the model. What is unknown takes the
 * strictest reading. Each part is asked by itself and each can only object, so that no order of them can let a pool in.
 */
export function judge(input: PlaceInput): Verdict {
  const { config, tenant, model, narrow } = input
  const rules = config.rules.map((rule) => judgeRule(rule, input))
  const applied = rules.filter(({ isMatched }) => isMatched).map(({ rule }) => rule)
  const isWanted = narrow === undefined ? undefined : narrowing(narrow, config)
  const pools = sitesOf(config).map((site) => {
    const objections: Objection[] = [
      ...ofTenant(tenant, site),
      ...applied.flatMap((rule) => ofRule(rule, site)),
    ]
    if (isWanted?.(site) === false) objections.push({ by: 'header' })
    if (!servesAny(site.pool, model)) objections.push({ by: 'model' })
    return { ...site, objections }
  })
  const isRestricted = isRestrictedTenant(tenant) || isWanted !== undefined || applied.some(isLimit)
  const mayStore = pools.filter(({ objections }) => objections.every(({ by }) => by === 'model'))
  return {
    rules,
    pools,
    isRestricted,
    storage: strictestStorage([
      tenant.storage,
      ...applied.map((rule) => rule.storage),
      // What must stay in some places may not be where it is copied to all.
      isRestricted ? 'home' : undefined,
    ]),
    prefersSovereign: [tenant, ...applied].some(({ sovereign }) => sovereign === 'prefer'),
    storageRegions: [...new Set(mayStore.map(({ region }) => region))],
  }
}

/** The name under which a pool serves a version of a model. An entry for exactly this version wins over one for all. */
export function servedName(pool: Pool, model: Model, version: string): string | undefined {
  const entries = pool.models.filter((entry) => entry.model === model.id)
  const entry =
    entries.find((candidate) => candidate.version === version) ??
    entries.find((candidate) => candidate.version === undefined)
  return entry === undefined ? undefined : (entry.served ?? entry.model)
}

function judgeRule(rule: Rule, subject: RuleSubject): RuleVerdict {
  const conditions = conditionsOf(rule, subject)
  return { rule, conditions, isMatched: doesAnything(rule) && holds(conditions) }
}

function doesAnything(rule: Rule): boolean {
  return isLimit(rule) || rule.sovereign === 'prefer'
}

function ofTenant(tenant: Tenant, site: PoolSite): Objection[] {
  return [
    ...(isInFloor(tenant, site) ? [] : [{ by: 'floor' as const }]),
    ...(isSovereignEnough(tenant, site) ? [] : [{ by: 'sovereign' as const }]),
  ]
}

/** What a rule that applies has against a pool. */
export function ofRule({ id: rule, only, except, sovereign }: Rule, site: PoolSite): Objection[] {
  const objections: Objection[] = []
  if (only !== undefined && !isAllowedBy(only, site)) objections.push({ by: 'rule', rule, through: 'only' })
  if (except !== undefined && isTakenBy(except, site))
    objections.push({ by: 'rule', rule, through: 'except' })
  if (sovereign === 'only' && !site.pool.sovereign)
    objections.push({ by: 'rule', rule, through: 'sovereign' })
  return objections
}

/** All pools whose region exists. */
export function sitesOf(config: MeshConfig): readonly PoolSite[] {
  const regions = new Map(config.regions.map((region) => [region.id, region]))
  return config.pools.flatMap((pool) => {
    const region = regions.get(pool.region)
    return region === undefined ? [] : [{ pool, region }]
  })
}

/** Whether the pool serves some version of the model. */
export function servesAny(pool: Pool, model: Model): boolean {
  return model.versions.some(({ id }) => servedName(pool, model, id) !== undefined)
}
