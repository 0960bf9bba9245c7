/**
 * A mesh that is always of the newest version this isolate knows: for what outlives requests (leases, exchanges, a shard's
 * settings). What a request may do is decided under the version that was leased for it.
 */
import type { Mesh } from './mesh.ts'
import type { ConfigLeases } from './stores/config-leases.ts'

export function liveMesh(deployed: Mesh, configs: Pick<ConfigLeases, 'newest'>): Mesh {
  if (configs.newest === deployed && deployed.config.config.source === 'file') return deployed
  return {
    ...deployed,
    get config() {
      return configs.newest.config
    },
    get configText() {
      return configs.newest.configText
    },
    configVersion: () => configs.newest.configVersion(),
    get tenants() {
      return configs.newest.tenants
    },
    get models() {
      return configs.newest.models
    },
    get regions() {
      return configs.newest.regions
    },
    get poolHosts() {
      return configs.newest.poolHosts
    },
  }
}
