/**
 * Finds whose a key is. One of the mesh's own says so itself; any other, such as one that was imported by its hash, belongs to
 * the tenant that lists the hash: no two may list the same.
 */
import { tenantOfKey as tenantNamedIn } from '../shared/schema/api-key.ts'
import type { MeshConfig, Tenant } from '../shared/schema/mesh.ts'

/** Made once for a config, and forgotten with it. */
const listings = new WeakMap<MeshConfig, ReadonlyMap<string, Tenant>>()

/** @param digest SHA-256 of the key, in hex. Looked up as it is: who can choose a digest's beginning knows no key by it. */
export function tenantOfKey(
  key: string,
  digest: string,
  mesh: { readonly config: MeshConfig; readonly tenants: ReadonlyMap<string, Tenant> },
): Tenant | undefined {
  const named = tenantNamedIn(key)
  return named === undefined ? listingOf(mesh.config).get(digest) : mesh.tenants.get(named)
}

function listingOf(config: MeshConfig): ReadonlyMap<string, Tenant> {
  const known = listings.get(config)
  if (known !== undefined) return known
  const listing = new Map(
    config.tenants.flatMap((tenant) => tenant.keys.map(({ sha256 }) => [sha256, tenant] as const)),
  )
  listings.set(config, listing)
  return listing
}
