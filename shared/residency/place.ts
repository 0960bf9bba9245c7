/** The residency verdict: where one request may be processed and stored, decided before any cache is touched. */
import type { GatewayError } from '../errors.ts'
import type { Result } from '../result.ts'
import { err, ok } from '../result.ts'
import type { MeshConfig, Model, Pool, Region, Rule } from '../schema/mesh.ts'
import type { RuleSubject } from './rule-match.ts'
import { matchesRule } from './rule-match.ts'
import type { PoolSite } from './selector.ts'
import { isAllowedBy, isTakenBy } from './selector.ts'

/** Not exported, so that nothing outside this file can build a placement or a placed pool. */
const placed: unique symbol = Symbol('placed')

export interface PlaceInput extends RuleSubject {
  readonly config: MeshConfig
  /** Words of the client's narrowing header: jurisdictions, regions or pool ids. Can only take pools away. */
  readonly narrow?: readonly string[]
}

/** A pool that a placement allows: the only kind that can be ranked or dispatched to. */
export interface PlacedPool extends PoolSite {
  readonly [placed]: true
  /** The name under which the pool serves that version of the placement's model; undefined if it does not. */
  readonly served: (version: string) => string | undefined
}

export interface Placement {
  readonly [placed]: true
  /** Allowed pools that serve the model, in the config's order; never empty. */
  readonly pools: readonly PlacedPool[]
  /** False only when the floor is "anywhere" and neither a rule nor the client narrowed it. */
  readonly restricted: boolean
  /** Jurisdictions of all allowed pools, whatever they serve; sorted. */
  readonly jurisdictions: readonly string[]
  /** Regions of all allowed pools, whatever they serve, in the config's order. */
  readonly storageRegions: readonly Region[]
  /** Ids of the rules that applied, in the config's order. */
  readonly rules: readonly string[]
  /** What of the placement keeps answers apart. Without the list of pools, so that adding one keeps the cache. */
  readonly placementClass: string
}

/**
 * Floor ∩ every matching rule ∩ the client's narrowing, then the pools that serve the model. What is unknown takes
 * the strictest reading. Fails with `residency_violation` when nothing is left.
 *
 * A rule or a header that applies makes the placement restricted even if it took no pool away: "only eu" on a mesh
 * whose pools all stand in the EU still forbids storage that is replicated round the world.
 */
export function place(input: PlaceInput): Result<Placement, GatewayError> {
  const { config, tenant, model, narrow } = input
  const { floor } = tenant
  const rules = config.rules.filter((rule) => takesAway(rule) && matchesRule(rule, input))
  const isWanted = narrow === undefined ? undefined : narrowing(narrow, config)
  const allowed = sitesOf(config).filter(
    (site) =>
      ('anywhere' in floor || isAllowedBy(floor, site)) &&
      rules.every((rule) => leaves(rule, site)) &&
      (isWanted === undefined || isWanted(site)),
  )
  const pools = allowed.flatMap((site) => placedPool(site, model))
  if (pools.length === 0) return err({ reason: 'residency_violation' })

  const restricted = !('anywhere' in floor) || rules.length > 0 || isWanted !== undefined
  const jurisdictions = [...new Set(allowed.map(({ region }) => region.jurisdiction))].toSorted()
  return ok({
    [placed]: true,
    pools,
    restricted,
    jurisdictions,
    storageRegions: [...new Set(allowed.map(({ region }) => region))],
    rules: rules.map((rule) => rule.id),
    placementClass: restricted ? `restricted:${jurisdictions.join(',')}` : 'anywhere',
  })
}

/**
 * The same placement with only those of its pools that are named: for a dispatch that comes later and must obey
 * both the config it was admitted under and the current one. Where things may be stored stays as it was decided.
 */
export function narrowTo(
  placement: Placement,
  poolIds: ReadonlySet<string>,
): Result<Placement, GatewayError> {
  const pools = placement.pools.filter(({ pool }) => poolIds.has(pool.id))
  return pools.length === 0 ? err({ reason: 'residency_violation' }) : ok({ ...placement, pools })
}

function takesAway(rule: Rule): boolean {
  return rule.only !== undefined || rule.except !== undefined
}

function leaves({ only, except }: Rule, site: PoolSite): boolean {
  return (only === undefined || isAllowedBy(only, site)) && (except === undefined || !isTakenBy(except, site))
}

/**
 * Reads each word as one thing only (a jurisdiction before a region before a pool), so that a pool which happens
 * to be named like a jurisdiction is not let in by asking for the jurisdiction. A word that names nothing of this
 * mesh allows nothing.
 */
function narrowing(words: readonly string[], config: MeshConfig): (site: PoolSite) => boolean {
  const wanted = new Set(words)
  const jurisdictions = new Set(config.regions.map((region) => region.jurisdiction))
  const regions = new Set(config.regions.map((region) => region.id))
  return ({ pool, region }) =>
    wanted.has(region.jurisdiction) ||
    (wanted.has(region.id) && !jurisdictions.has(region.id)) ||
    (wanted.has(pool.id) && !jurisdictions.has(pool.id) && !regions.has(pool.id))
}

/** A pool whose region does not exist cannot be judged, so it is in no placement. */
function sitesOf(config: MeshConfig): readonly PoolSite[] {
  const regions = new Map(config.regions.map((region) => [region.id, region]))
  return config.pools.flatMap((pool) => {
    const region = regions.get(pool.region)
    return region === undefined ? [] : [{ pool, region }]
  })
}

function placedPool(site: PoolSite, model: Model): PlacedPool[] {
  const served = (version: string): string | undefined => servedName(site.pool, model, version)
  const servesAny = model.versions.some((version) => served(version.id) !== undefined)
  return servesAny ? [{ ...site, [placed]: true, served }] : []
}

/** An entry for exactly this version wins over one for every version. */
function servedName(pool: Pool, model: Model, version: string): string | undefined {
  const entries = pool.models.filter((entry) => entry.model === model.id)
  const entry =
    entries.find((candidate) => candidate.version === version) ??
    entries.find((candidate) => candidate.version === undefined)
  return entry === undefined ? undefined : (entry.served ?? entry.model)
}
