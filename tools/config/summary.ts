/** Says in a few lines what a config allows, for a person who has just changed it. */
import { formatMeshMode } from '../../shared/config/mode.ts'
import type { MeshMode } from '../../shared/config/mode.ts'
import { isRestrictedTenant, isWithinLimits } from '../../shared/residency/tenant-limits.ts'
import type { MeshConfig, Tenant } from '../../shared/schema/mesh.ts'

export function summarize(config: MeshConfig, mode: MeshMode): string {
  const { regions, pools, models, tenants, rules } = config
  return [
    `The config is right for MESH_MODE ${formatMeshMode(mode)}.`,
    `Regions: ${regions.map(({ id, jurisdiction }) => `${id} (${jurisdiction})`).join(', ')}`,
    'Pools:',
    ...pools.map(({ id, region, dialect, models: served }) => {
      return `  ${id}: ${dialect} in ${region}, serves ${[...new Set(served.map(({ model }) => model))].join(', ')}`
    }),
    `Models: ${models.map(({ id, context_length }) => `${id} (${context_length} tokens)`).join(', ')}`,
    'Tenants:',
    ...tenants.map((tenant) => `  ${describeTenant(tenant, config)}`),
    ...(rules.length === 0
      ? []
      : [`Rules, which can only take pools away: ${rules.map(({ id }) => id).join(', ')}`]),
  ].join('\n')
}

function describeTenant(tenant: Tenant, { regions, pools }: MeshConfig): string {
  const jurisdictionOf = new Map(regions.map((region) => [region.id, region.jurisdiction]))
  const allowed = pools.filter((pool) => {
    const region = regions.find(({ id }) => id === pool.region)
    return region !== undefined && isWithinLimits(tenant, { pool, region })
  })
  const places = allowed.map(({ id, region }) => `${id} (${jurisdictionOf.get(region) ?? '?'})`).join(', ')
  const where = isRestrictedTenant(tenant) ? `may go to ${places} only` : `may go anywhere, now ${places}`
  const what = tenant.models === '*' ? 'every model' : tenant.models.join(', ')
  return `${tenant.id}: ${where}; ${what}; ${tenant.keys.length === 1 ? '1 key' : `${tenant.keys.length} keys`}`
}
