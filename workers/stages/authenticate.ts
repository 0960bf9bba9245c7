/** Second stage: who sent it. Costs no call while the tenant's lease is live. */
import { clientTenant } from '../../shared/access/granted.ts'
import { findKey, tenantOf, NO_KEYS } from '../../shared/access/managed-keys.ts'
import type { GatewayError } from '../../shared/errors.ts'
import type { Lease } from '../../shared/lease/lease.ts'
import { edgeRegionOf, type Arrival } from '../../shared/residency/arrival.ts'
import { mayBeRestricted } from '../../shared/residency/tenant-limits.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import { looksLikeToken } from '../access/bearer-tokens.ts'
import type { Authenticated, Common, Received } from '../contexts.ts'
import { isEqualSecret, sha256Hex } from '../digests.ts'
import type { Edge } from '../edge.ts'
import { tenantOfKey } from '../tenant-of-key.ts'

const BEARER = /^Bearer +([\x21-\x7e]{1,8192})$/i
/** Keys of ours are shorter; whatever is longer and no token is not worth a digest. */
const MAX_KEY_CHARACTERS = 256

export interface Identity {
  /** As the key sees it: with the models and data classes that are the key's too. */
  readonly tenant: Tenant
  /** Of the key; of a token, what stands for its bearer. */
  readonly keyId: string
  readonly lease?: Lease
}

/** Where a credential came from, and what it is. */
export interface Credential {
  readonly headers: Headers
  readonly arrival: Arrival
  readonly configVersion: string
  /** Told of a key that is in the config, whatever becomes of it then. */
  readonly onKey?: (tenant: Tenant, keyId: string) => void
}

/** What is needed of an edge to find out who somebody is. */
export type Identifying = Pick<Edge, 'mesh' | 'tokens' | 'leases' | 'guesses' | 'runtime' | 'waitUntil'>

/**
 * Finds the tenant and the key. Fails as `identify` does, or with `storage_not_available` where the tenant's audit log is strict and
 * can be kept nowhere.
 */
export async function authenticate<Context extends Common<Received>>(
  context: Context,
  edge: Edge,
): Promise<Result<Context & Pick<Authenticated, 'tenant' | 'keyId' | 'lease'>, GatewayError>> {
  const { arrival, configVersion, request } = context
  const { trail } = edge
  const onKey = (tenant: Tenant, keyId: string): void => void trail.belongsTo(tenant, keyId)
  const identity = await identify({ headers: request.headers, arrival, configVersion, onKey }, edge)
  if (!identity.ok) return identity
  const { tenant, keyId } = identity.value
  const audited = trail.belongsTo(tenant, keyId)
  return audited.ok ? ok({ ...context, ...identity.value }) : audited
}

/**
 * Checks the Authorization header: a key against those of the config and those that the tenant's ledger knows, in a time
 * that does not depend on them; or a token of an issuer that makes its bearer a tenant's client.
 * Fails with `missing_api_key`, `invalid_api_key`, `too_many_wrong_keys` or `issuer_unavailable`, or with `config_unavailable`
 * where the tenant may be restricted, or the key not of the config, and nobody can say whether what we know is still true.
 */
export async function identify(from: Credential, edge: Identifying): Promise<Result<Identity, GatewayError>> {
  const authorization = from.headers.get('authorization')
  if (authorization === null) return err({ reason: 'missing_api_key' })
  const credential = BEARER.exec(authorization)?.[1] ?? ''
  if (looksLikeToken(credential)) return identifyBearer(credential, from, edge)
  const address = clientAddress(from.headers)
  const isShort = credential.length <= MAX_KEY_CHARACTERS
  const digest = isShort ? await sha256Hex(credential) : ''
  if (edge.guesses.isSlowed(address, digest)) return err({ reason: 'too_many_wrong_keys' })
  const tenant = isShort ? tenantOfKey(credential, digest, edge.mesh) : undefined
  const identity =
    tenant === undefined
      ? err({ reason: 'invalid_api_key' } as const)
      : await identifyKey(tenant, digest, from, edge)
  if (identity.ok) edge.guesses.wasRight(digest)
  else if (identity.error.reason === 'invalid_api_key') edge.guesses.wasWrong(address, edge.waitUntil)
  return identity
}

/** As the platform names it; a node of one's own has it from its TLS front, or not at all. */
export function clientAddress(headers: Headers): string {
  return headers.get('cf-connecting-ip') ?? ''
}

async function identifyKey(
  tenant: Tenant,
  digest: string,
  { configVersion, onKey }: Credential,
  edge: Identifying,
): Promise<Result<Identity, GatewayError>> {
  let keyId: string | undefined
  for (const known of tenant.keys) {
    if (await isEqualSecret(digest, known.sha256)) keyId = known.id
  }
  if (keyId !== undefined) onKey?.(tenant, keyId)
  const held = await edge.leases.hold(tenant, configVersion, edge.waitUntil)
  if (
    held.kind === 'unavailable' &&
    (keyId === undefined || mayBeRestricted(tenant, edge.mesh.config.rules))
  ) {
    return err({ reason: 'config_unavailable' })
  }
  const lease = held.kind === 'held' ? held.lease : undefined
  const managed = lease?.managedKeys ?? NO_KEYS
  const withLease = lease === undefined ? {} : { lease }
  if (keyId !== undefined) {
    return managed.revoked.includes(keyId)
      ? err({ reason: 'invalid_api_key' })
      : ok({ tenant, keyId, ...withLease })
  }
  const own = findKey(managed, digest, edge.runtime.now())
  return own === undefined
    ? err({ reason: 'invalid_api_key' })
    : ok({ tenant: tenantOf(tenant, own), keyId: own.id, ...withLease })
}

async function identifyBearer(
  token: string,
  { arrival, configVersion }: Credential,
  edge: Identifying,
): Promise<Result<Identity, GatewayError>> {
  const { mesh, tokens } = edge
  const bearer = await tokens.of(token, mesh.config.oidc, edgeRegionOf(arrival, mesh.config.regions))
  if (!bearer.ok) {
    return err({ reason: bearer.error === 'unavailable' ? 'issuer_unavailable' : 'invalid_api_key' })
  }
  const tenant = mesh.tenants.get(clientTenant(bearer.value.grants) ?? '')
  if (tenant === undefined) return err({ reason: 'invalid_api_key' })
  const held = await edge.leases.hold(tenant, configVersion, edge.waitUntil)
  if (held.kind === 'unavailable' && mayBeRestricted(tenant, edge.mesh.config.rules))
    return err({ reason: 'config_unavailable' })
  return ok({ tenant, keyId: bearer.value.who, ...(held.kind === 'held' ? { lease: held.lease } : {}) })
}
