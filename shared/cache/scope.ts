/** Who else may get an answer: everyone of the tenant, one API key, or one `user` value. */
import type { CacheScope } from '../fingerprint/fingerprint.ts'
import type { Tenant } from '../schema/mesh.ts'

/** A request without a `user` shares with nobody but requests without one. */
export function cacheScopeOf(
  tenant: Tenant,
  asker: { readonly keyId: string; readonly user: string | undefined },
): CacheScope {
  switch (tenant.cache.scope) {
    case 'tenant':
      return { kind: 'tenant' }
    case 'key':
      return { kind: 'key', id: asker.keyId }
    case 'user':
      return { kind: 'user', id: asker.user ?? '' }
  }
}
