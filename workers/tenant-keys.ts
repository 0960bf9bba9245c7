/** Per-tenant keys derived from the master secret, kept for the isolate's life: they are a function of config and secret. */
import { toHex } from '../shared/fingerprint/bytes.ts'
import { cacheSalt } from '../shared/fingerprint/cache-salt.ts'
import { tenantKey } from '../shared/fingerprint/fingerprint.ts'
import { webCryptoDigests } from './digests.ts'

export interface TenantKeys {
  /** Key of everything derived from the tenant's content. */
  readonly key: Uint8Array
  /** What keeps the tenant's prefixes apart inside a pool; the same for every request of the tenant. */
  readonly cacheSalt: string
  /** Names the tenant's own objects. */
  readonly objectName: string
}

export interface TenantKeyring {
  of(tenant: string): Promise<TenantKeys>
}

export function createTenantKeyring(masterSecret: Uint8Array): TenantKeyring {
  // Values and not promises: a promise that another request began may never resolve once that request is gone.
  const known = new Map<string, TenantKeys>()
  return {
    async of(tenant) {
      const keys = known.get(tenant) ?? (await derive(masterSecret, tenant))
      known.set(tenant, keys)
      return keys
    },
  }
}

async function derive(masterSecret: Uint8Array, tenant: string): Promise<TenantKeys> {
  const key = await tenantKey(masterSecret, tenant, webCryptoDigests)
  const name = await webCryptoDigests.hmacSha256(key, webCryptoDigests.utf8('warmpath/object-name/v1\n'))
  return {
    key,
    cacheSalt: await cacheSalt(key, tenant, webCryptoDigests),
    objectName: toHex(name.subarray(0, 16)),
  }
}
