/** What rules say about the storage of a tenant's requests. A rule that limits places limits storage to the home. */
import type { MeshConfig, Rule, Tenant } from '../schema/mesh.ts'

export interface StorageRule {
  readonly storage: 'none' | 'home'
  readonly match: Rule['match']
  readonly models: readonly string[] | undefined
}

export function storageOf({ rules }: MeshConfig, tenant: Tenant): readonly StorageRule[] {
  return rules
    .filter(({ match }) => match.tenants?.includes(tenant.id) ?? true)
    .flatMap(({ match, storage, only, except, sovereign }) => {
      const isLimit = only !== undefined || except !== undefined || sovereign === 'only'
      const most = storage ?? (isLimit ? 'home' : undefined)
      return most === undefined ? [] : [{ storage: most, match, models: match.models }]
    })
}
