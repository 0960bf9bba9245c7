/**
 * Whether what was decided when a request began still holds when it is acted on. While the lease on the config that it began
 * under is live, it does. After that the newest version is asked, too: only what both allow is done.
 */
import { isSameSite } from '../shared/config-diff/reach.ts'
import type { GatewayError } from '../shared/errors.ts'
import { intersect, narrowTo, place, type Placement } from '../shared/residency/place.ts'
import { checkTermination } from '../shared/residency/termination.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { Tenant } from '../shared/schema/mesh.ts'
import type { Placed } from './contexts.ts'
import type { Edge } from './edge.ts'
import type { Mesh } from './mesh.ts'

/** What of a request has to be asked again. */
export type PlacedAgain = Pick<Placed, 'tenant' | 'keyId' | 'model' | 'arrival' | 'narrowing' | 'placement'>

/** Fails with `config_unavailable`: nobody can say, or the newest version leaves nothing, which asking again will tell. */
export async function placedNow(context: PlacedAgain, edge: Edge): Promise<Result<Placement, GatewayError>> {
  const mesh = await meshNow(edge)
  if (mesh === edge.mesh) return ok(context.placement)
  const agreed = mesh && placedUnder(mesh, context, edge.mesh)
  return agreed?.ok === true ? agreed : err({ reason: 'config_unavailable' })
}

/**
 * Whether the version that a request began under is still in force after it has waited for its client: what is found or made
 * under another one would be a mix of two.
 */
export async function isStillInForce(edge: Edge): Promise<boolean> {
  return (await meshNow(edge)) === edge.mesh
}

/** The version in force now: the request's own, as long as its lease is live. */
async function meshNow(edge: Edge): Promise<Mesh | undefined> {
  if (edge.runtime.now() < edge.configExpiresAtMs) return edge.mesh
  const lease = await edge.configs.hold(edge.host, edge.waitUntil)
  if (lease === undefined) return undefined
  // Going back to a text makes another entry of it, and not another version.
  return lease.mesh.configText === edge.mesh.configText ? edge.mesh : lease.mesh
}

function placedUnder(
  mesh: Mesh,
  context: PlacedAgain,
  before: Mesh,
): Result<Placement, GatewayError> | undefined {
  const { arrival, keyId, placement, narrowing } = context
  const tenant = mesh.tenants.get(context.tenant.id)
  const model = mesh.models.get(context.model.id)
  if (tenant === undefined || model === undefined) return undefined
  const mayUse = tenant.models === '*' || tenant.models.includes(model.id)
  if (
    !mayUse ||
    !hasKeyStill(tenant, before.tenants.get(tenant.id), keyId) ||
    !checkTermination(tenant, arrival, mesh.config.regions).ok
  )
    return undefined
  const { residency: narrow, dataClass, headers } = narrowing
  const placed = place({
    config: mesh.config,
    tenant,
    keyId,
    model,
    arrival,
    ...(narrow === undefined ? {} : { narrow }),
    ...(dataClass === undefined ? {} : { dataClass }),
    ...(headers === undefined ? {} : { headers }),
  })
  if (!placed.ok) return placed
  const both = intersect(placement, placed.value)
  if (!both.ok) return both
  // A pool may have kept its name and moved: then it is not the one that was placed.
  const same = both.value.pools.filter((one) => placed.value.pools.some((other) => isSameSite(one, other)))
  return narrowTo(both.value, new Set(same.map(({ pool }) => pool.id)))
}

/** A key that the config had must be in it still; managed keys and bearers of tokens are not the config's to keep. */
function hasKeyStill(tenant: Tenant, before: Tenant | undefined, keyId: string): boolean {
  const had = before?.keys.find(({ id }) => id === keyId)
  return had === undefined || tenant.keys.some(({ id, sha256 }) => id === keyId && sha256 === had.sha256)
}
