/** Finds audit logs that could be kept nowhere. */
import { tenantHome } from '../residency/tenant-home.ts'
import type { Draft } from './draft.ts'
import type { MeshMode } from './mode.ts'
import type { ConfigProblem } from './problem.ts'

/**
 * Only where a log was asked for by name, and only on Cloudflare: on one's own machines one file may serve several sites, and
 * there a tenant whose log is to be strict is refused at the sites of other jurisdictions.
 */
export function checkAudit({ tenants, config }: Draft, mode: MeshMode): ConfigProblem[] {
  if (config === undefined || mode.kind !== 'cloudflare') return []
  return tenants.entries.flatMap(({ value: tenant, path }) =>
    tenant.audit === undefined || tenant.audit === 'off' || tenantHome(tenant, config, mode) !== undefined
      ? []
      : [
          {
            path: `${path}.audit`,
            found: 'in none of the places of its floor can Cloudflare be made to keep a log',
            expected: 'give "off", or allow a region in eu, us, fedramp or fedramp-high',
          },
        ],
  )
}
