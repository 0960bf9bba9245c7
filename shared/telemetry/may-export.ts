/** Whether anything of a request may be sent to where its operator collects traces. What is not known is read strictly. */
import { jurisdictionOfArrival, type Arrival } from '../residency/arrival.ts'
import type { Placement } from '../residency/place.ts'
import { isWithinLimits, mayBeRestricted } from '../residency/tenant-limits.ts'
import type { Exporter } from '../schema/config-telemetry.ts'
import type { MeshConfig, Region, Tenant } from '../schema/mesh.ts'

/** As far as the request came. */
export interface Exported {
  readonly arrival: Arrival
  readonly tenant?: Tenant | undefined
  readonly placement?: Pick<Placement, 'restricted' | 'jurisdictions'> | undefined
  /** Whether its client asked for certain places, now or when it began what it comes back to. */
  readonly isNarrowed: boolean
}

/**
 * The jurisdiction of the data centre where the request arrived must be one of the exporter's, and, of a request that may
 * not go everywhere, so must be every one it may go to.
 */
export function mayExport(request: Exported, exporter: Exporter, config: MeshConfig): boolean {
  const here = jurisdictionOfArrival(request.arrival, config.regions)
  if (here === undefined) return false
  return [here, ...reachOf(request, config)].every((name) => exporter.jurisdictions.includes(name))
}

/** Where a request is bound to stay; empty where it is bound to nothing. */
function reachOf(request: Exported, config: MeshConfig): readonly string[] {
  const { tenant, placement } = request
  if (placement !== undefined) return placement.restricted ? placement.jurisdictions : []
  // It ended before it was placed: it may have been bound to any part of where it could have gone.
  if (!mayBeBound(request, config)) return []
  const mayGo = (region: Region): boolean =>
    tenant === undefined ||
    config.pools.some((pool) => pool.region === region.id && isWithinLimits(tenant, { pool, region }))
  return config.regions.filter(mayGo).map(({ jurisdiction }) => jurisdiction)
}

function mayBeBound({ tenant, isNarrowed }: Exported, { tenants, rules }: MeshConfig): boolean {
  // Whose it is may be what was lost.
  const whose = tenant === undefined ? tenants : [tenant]
  return isNarrowed || whose.some((one) => one.terminate !== undefined || mayBeRestricted(one, rules))
}
