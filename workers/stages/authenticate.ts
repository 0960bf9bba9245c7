/** Second stage: who sent it. Costs no call while the tenant's lease is live. */
import { clientTenant } from '../../shared/access/granted.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { edgeRegionOf, type Arrival } from '../../shared/residency/arrival.ts'
import { isRestrictedTenant } from '../../shared/residency/tenant-limits.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { tenantOfKey } from '../../shared/schema/api-key.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import { looksLikeToken } from '../access/bearer-tokens.ts'
import type { Authenticated, Common, Received } from '../contexts.ts'
import { isEqualSecret, sha256Hex } from '../digests.ts'
import type { Edge } from '../edge.ts'

const BEARER = /^Bearer +([\x21-\x7e]{1,8192})$/i
/** Keys of ours are shorter; whatever is longer and no token is not worth a digest. */
const MAX_KEY_CHARACTERS = 256

/**
 * Finds the tenant and the key. Fails as `identify` does, or with `config_unavailable` where the tenant is restricted
 * and nobody can say whether what we know is still true.
 */
export async function authenticate<Context extends Common<Received>>(
  context: Context,
  edge: Edge,
): Promise<Result<Context & Pick<Authenticated, 'tenant' | 'keyId' | 'lease'>, GatewayError>> {
  const identity = await identify(context.request.headers, context.arrival, edge)
  if (!identity.ok) return identity
  const { tenant, keyId } = identity.value

  const lease = await edge.leases.hold(tenant, context.configVersion, edge.waitUntil)
  if (lease.kind === 'unavailable' && isRestrictedTenant(tenant)) {
    return err({ reason: 'config_unavailable' })
  }
  return ok({ ...context, tenant, keyId, ...(lease.kind === 'held' ? { lease: lease.lease } : {}) })
}

/**
 * Checks the Authorization header: against the tenant's key hashes, in a time that does not depend on them; or as a token
 * of an issuer that makes its bearer a tenant's client. Fails with `missing_api_key`, `invalid_api_key` or `issuer_unavailable`.
 */
export async function identify(
  headers: Headers,
  arrival: Arrival,
  edge: Pick<Edge, 'mesh' | 'tokens'>,
): Promise<Result<Identity, GatewayError>> {
  const authorization = headers.get('authorization')
  if (authorization === null) return err({ reason: 'missing_api_key' })
  const credential = BEARER.exec(authorization)?.[1] ?? ''
  if (looksLikeToken(credential)) return identifyBearer(credential, arrival, edge)
  const tenant = credential.length > MAX_KEY_CHARACTERS ? undefined : tenantOf(credential, edge)
  if (tenant === undefined) return err({ reason: 'invalid_api_key' })

  const digest = await sha256Hex(credential)
  let keyId: string | undefined
  for (const known of tenant.keys) {
    if (await isEqualSecret(digest, known.sha256)) keyId = known.id
  }
  return keyId === undefined ? err({ reason: 'invalid_api_key' }) : ok({ tenant, keyId })
}

interface Identity {
  readonly tenant: Tenant
  /** Of the key; of a token, what stands for its bearer. */
  readonly keyId: string
}

function tenantOf(key: string, { mesh }: Pick<Edge, 'mesh'>): Tenant | undefined {
  return mesh.tenants.get(tenantOfKey(key) ?? '')
}

async function identifyBearer(
  token: string,
  arrival: Arrival,
  { mesh, tokens }: Pick<Edge, 'mesh' | 'tokens'>,
): Promise<Result<Identity, GatewayError>> {
  const bearer = await tokens.of(token, edgeRegionOf(arrival, mesh.config.regions))
  if (!bearer.ok) {
    return err({ reason: bearer.error === 'unavailable' ? 'issuer_unavailable' : 'invalid_api_key' })
  }
  const tenant = mesh.tenants.get(clientTenant(bearer.value.grants) ?? '')
  return tenant === undefined ? err({ reason: 'invalid_api_key' }) : ok({ tenant, keyId: bearer.value.who })
}
