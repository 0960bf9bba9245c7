/** The salt that keeps a tenant's prefix cache apart inside a pool that serves several tenants. */
import { base64Url, concatBytes } from './bytes.ts'
import type { Digests } from './fingerprint.ts'

/**
 * 43 characters of base64url (256 bits, as vLLM advises), always ours and never the client's: who knows another
 * tenant's salt can tell by timing what that tenant has asked. `key` is the tenant's, from `tenantKey`.
 */
export async function cacheSalt(key: Uint8Array, tenant: string, digests: Digests): Promise<string> {
  const label = digests.utf8('warmpath/cache-salt/v1\n')
  return base64Url(await digests.hmacSha256(key, concatBytes([label, digests.utf8(tenant)])))
}
