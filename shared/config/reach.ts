/** Which pools a tenant's requests may reach, by its floor and its models; rules can only take from that. */
import { isWithinLimits } from '../residency/tenant-limits.ts'
import type { Pool, Region, Tenant } from '../schema/mesh.ts'
import type { Draft } from './draft.ts'

/** The pools that a floor and `sovereign` allow. A pool whose region is unknown is allowed by none. */
export function poolsWithinFloor(tenant: Tenant, draft: Draft): readonly Pool[] {
  const regions = new Map<string, Region>(draft.regions.entries.map(({ value }) => [value.id, value]))
  return draft.pools.entries.flatMap(({ value: pool }) => {
    const region = regions.get(pool.region)
    if (region === undefined) return []
    return isWithinLimits(tenant, { pool, region }) ? [pool] : []
  })
}

/** The pools within the floor that serve a model the tenant may use. */
export function reachablePools(tenant: Tenant, draft: Draft): readonly Pool[] {
  const { models } = tenant
  return poolsWithinFloor(tenant, draft).filter((pool) =>
    pool.models.some(({ model }) => models === '*' || models.includes(model)),
  )
}
