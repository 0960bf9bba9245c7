/** What a tenant's own table allows, before any rule and any request, and whether a rule could ever take from it. */
import type { Rule, Tenant } from '../schema/mesh.ts'
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

/** Whether a rule that applies says that not everything is allowed. One that only prefers does not. */
export function isLimit({ only, except, sovereign, storage }: Rule): boolean {
  return only !== undefined || except !== undefined || sovereign === 'only' || storage !== undefined
}

/**
 * Whether some request of a tenant may be restricted: by its own table, or by a rule that does not name other tenants only.
 * Read broadly, so that it can be told from the key alone, before anything of the request is known.
 */
export function mayBeRestricted(tenant: Tenant, rules: readonly Rule[]): boolean {
  const binds = (rule: Rule): boolean => isLimit(rule) && (rule.match.tenants?.includes(tenant.id) ?? true)
  return isRestrictedTenant(tenant) || rules.some(binds)
}
