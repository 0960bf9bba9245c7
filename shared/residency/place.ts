/** The residency verdict: where one request may be processed and stored, decided before any cache is touched. */
import type { GatewayError } from '../errors.ts'
import type { Result } from '../result.ts'
import { err, ok } from '../result.ts'
import type { Region } from '../schema/mesh.ts'
import { judge, servedName, type PlaceInput } from './judge.ts'
import type { PoolSite } from './selector.ts'
import { strictestStorage, type Storage } from './storage.ts'

export type { PlaceInput } from './judge.ts'

/** Not exported, so that nothing outside this file can build a placement or a placed pool. */
const placed: unique symbol = Symbol('placed')

/** A pool that a placement allows: the only kind that can be ranked or dispatched to. */
export interface PlacedPool extends PoolSite {
  readonly [placed]: true
  /** Whether it is to be asked before those that are not, as long as it can serve: it stands on one's own premises. */
  readonly isPreferred: boolean
  /** The name under which the pool serves that version of the placement's model; undefined if it does not. */
  readonly served: (version: string) => string | undefined
}

export interface Placement {
  readonly [placed]: true
  /** Allowed pools that serve the model, in the config's order; never empty. */
  readonly pools: readonly PlacedPool[]
  /** False only when the tenant may go anywhere and neither a rule nor the client narrowed that. */
  readonly restricted: boolean
  /** How far what is stored may spread; never `anywhere` where restricted. */
  readonly storage: Storage
  /** Longest time that anything of the request may be stored; without it, whatever its time to live says. */
  readonly retentionSeconds?: number
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
  const { tenant, model } = input
  const verdict = judge(input)
  const allowed = verdict.pools.filter(({ objections }) => objections.length === 0)
  if (allowed.length === 0) return err({ reason: 'residency_violation' })
  const { isRestricted: restricted, storage, storageRegions, prefersSovereign } = verdict
  const { retention_seconds: retentionSeconds } = tenant
  return ok({
    [placed]: true,
    pools: allowed.map(({ pool, region }) => ({
      pool,
      region,
      [placed]: true,
      isPreferred: prefersSovereign && pool.sovereign,
      served: (version) => servedName(pool, model, version),
    })),
    restricted,
    storage,
    ...(retentionSeconds === undefined ? {} : { retentionSeconds }),
    ...namesOf({ restricted, storage, storageRegions }),
    storageRegions,
    rules: verdict.rules.filter(({ isMatched }) => isMatched).map(({ rule }) => rule.id),
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

/**
 * What two placements both allow, of pools and of storage: for what was decided twice, from two requests or under two
 * configs. Pools and regions are those of the first. Fails with `residency_violation` when no pool is left.
 */
export function intersect(one: Placement, other: Placement): Result<Placement, GatewayError> {
  const pools = narrowTo(one, new Set(other.pools.map(({ pool }) => pool.id)))
  if (!pools.ok) return pools
  const restricted = one.restricted || other.restricted
  const storage = strictestStorage([one.storage, other.storage])
  const otherRegions = new Set(other.storageRegions.map(({ id }) => id))
  const storageRegions = one.storageRegions.filter(({ id }) => otherRegions.has(id))
  const retentions = [one, other].flatMap(({ retentionSeconds }) => retentionSeconds ?? [])
  const { retentionSeconds: _own, ...rest } = pools.value
  return ok({
    ...rest,
    restricted,
    storage,
    ...(retentions.length === 0 ? {} : { retentionSeconds: Math.min(...retentions) }),
    ...namesOf({ restricted, storage, storageRegions }),
    storageRegions,
    rules: [...new Set([...one.rules, ...other.rules])],
  })
}

/** What may be kept at home only is not what is copied everywhere, though nothing else tells them apart. */
function namesOf({
  restricted,
  storage,
  storageRegions,
}: Pick<Placement, 'restricted' | 'storage' | 'storageRegions'>): Pick<
  Placement,
  'jurisdictions' | 'placementClass'
> {
  const jurisdictions = [...new Set(storageRegions.map(({ jurisdiction }) => jurisdiction))].toSorted()
  if (restricted) return { jurisdictions, placementClass: `restricted:${jurisdictions.join(',')}` }
  return { jurisdictions, placementClass: storage === 'anywhere' ? 'anywhere' : 'home' }
}
