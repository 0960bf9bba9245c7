/** Which pools a selector of the config means. */
import type { Pool, Region, Selector } from '../schema/mesh.ts'

/** A pool together with the region it stands in. */
export interface PoolSite {
  readonly pool: Pool
  readonly region: Region
}

/**
 * Whether a pool is in the set a selector allows: it satisfies every list given. A selector without any list
 * allows nothing, so that a forgotten list cannot open a floor.
 */
export function isAllowedBy(selector: Selector, site: PoolSite): boolean {
  return !isEmpty(selector) && satisfiesEveryList(selector, site)
}

/** Whether a selector takes a pool away: it satisfies every list given. One without any list takes all away. */
export function isTakenBy(selector: Selector, site: PoolSite): boolean {
  return satisfiesEveryList(selector, site)
}

function isEmpty(selector: Selector): boolean {
  return (
    selector.jurisdictions === undefined && selector.regions === undefined && selector.pools === undefined
  )
}

function satisfiesEveryList(selector: Selector, { pool, region }: PoolSite): boolean {
  return (
    (selector.jurisdictions?.includes(region.jurisdiction) ?? true) &&
    (selector.regions?.includes(region.id) ?? true) &&
    (selector.pools?.includes(pool.id) ?? true)
  )
}
