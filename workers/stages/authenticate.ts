/** Second stage: who sent it. Costs no call while the tenant's lease is live. */
import type { GatewayError } from '../../shared/errors.ts'
import { isRestrictedTenant } from '../../shared/residency/tenant-limits.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { tenantOfKey } from '../../shared/schema/api-key.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import type { Authenticated, Common, Received } from '../contexts.ts'
import { isEqualSecret, sha256Hex } from '../digests.ts'
import type { Edge } from '../edge.ts'

const BEARER = /^Bearer +([\x21-\x7e]{1,256})$/i

/**
 * Finds the tenant and the key. Fails with `missing_api_key`, `invalid_api_key`, or `config_unavailable` where the
 * tenant is restricted and nobody can say whether what we know is still true.
 */
export async function authenticate<Context extends Common<Received>>(
  context: Context,
  edge: Edge,
): Promise<Result<Context & Pick<Authenticated, 'tenant' | 'keyId' | 'lease'>, GatewayError>> {
  const identity = await identify(context.request.headers, edge)
  if (!identity.ok) return identity
  const { tenant, keyId } = identity.value

  const lease = await edge.leases.hold(tenant, context.configVersion, edge.waitUntil)
  if (lease.kind === 'unavailable' && isRestrictedTenant(tenant)) {
    return err({ reason: 'config_unavailable' })
  }
  return ok({ ...context, tenant, keyId, ...(lease.kind === 'held' ? { lease: lease.lease } : {}) })
}

/** Checks the Authorization header against the tenant's key hashes, in a time that does not depend on them. */
export async function identify(
  headers: Headers,
  edge: Pick<Edge, 'mesh'>,
): Promise<Result<{ tenant: Tenant; keyId: string }, GatewayError>> {
  const authorization = headers.get('authorization')
  if (authorization === null) return err({ reason: 'missing_api_key' })
  const key = BEARER.exec(authorization)?.[1] ?? ''
  const tenant = edge.mesh.tenants.get(tenantOfKey(key) ?? '')
  if (tenant === undefined) return err({ reason: 'invalid_api_key' })

  const digest = await sha256Hex(key)
  let keyId: string | undefined
  for (const known of tenant.keys) {
    if (await isEqualSecret(digest, known.sha256)) keyId = known.id
  }
  return keyId === undefined ? err({ reason: 'invalid_api_key' }) : ok({ tenant, keyId })
}
