/** What a tenant's own table allows, before any rule and any request. */
import type { Tenant } from '../schema/mesh.ts'
import { isAllowedBy, type PoolSite } from './selector.ts'

/** Whether the floor allows a pool. */
export function isInFloor({ floor }: Tenant, site: PoolSite): boolean {
  return 'anywhere' in floor || isAllowedBy(floor, site)
}

/** Whether a tenant that stays on one's own premises may use a pool; any other may use all. */
export function isSovereignEnough({ sovereign }: Tenant, { pool }: PoolSite): boolean {
  return sovereign !== 'only' || pool.sovereign
}

/** Whether a tenant may ever use a pool. */
export function isWithinLimits(tenant: Tenant, site: PoolSite): boolean {
  return isInFloor(tenant, site) && isSovereignEnough(tenant, site)
}

/** Whether some places are closed to a tenant whatever it asks for. */
export function isRestrictedTenant({ floor, sovereign }: Tenant): boolean {
  return !('anywhere' in floor) || sovereign === 'only'
}
