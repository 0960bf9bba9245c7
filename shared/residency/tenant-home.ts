/** Where a tenant's own records (cache epoch, keys, budgets) live: a function of its floor, not of any request. */
import type { MeshMode } from '../config/mode.ts'
import type { MeshConfig, Tenant } from '../schema/mesh.ts'
import { homeIn, type Home } from './home.ts'
import { isRestrictedTenant, isWithinLimits } from './tenant-limits.ts'

/** The first region of the floor's pools where storage can be kept. Undefined: nothing of the tenant can be stored. */
export function tenantHome(tenant: Tenant, config: MeshConfig, mode: MeshMode): Home | undefined {
  const allowed = config.regions.filter((region) =>
    config.pools.some((pool) => pool.region === region.id && isWithinLimits(tenant, { pool, region })),
  )
  return homeIn(allowed, isRestrictedTenant(tenant), mode)
}
