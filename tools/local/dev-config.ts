/** The config a local mesh runs: the file's, with this machine's keys and, where they were started, pools of its own. */
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { sha256, type DevSecrets } from './dev-secrets.ts'
import type { RunningPool } from './engines.ts'

const DEV_KEY_ID = 'local'

export function devConfig(
  config: MeshConfig,
  secrets: DevSecrets,
  running: readonly RunningPool[],
): MeshConfig {
  return {
    ...config,
    pools: config.pools.map((pool) => {
      const standIn = running.find((other) => other.pool.id === pool.id)
      if (standIn === undefined) return pool
      // A pool on this machine needs neither the credentials nor the network of the one it stands in for.
      const { auth: _auth, binding: _binding, ...rest } = pool
      return { ...rest, ...standIn.traits, url: `${standIn.url}/v1` }
    }),
    tenants: config.tenants.map((tenant) => {
      const key = secrets.apiKeys[tenant.id]
      if (key === undefined) return tenant
      const others = tenant.keys.filter(({ id }) => id !== DEV_KEY_ID)
      return { ...tenant, keys: [...others, { id: DEV_KEY_ID, sha256: sha256(key), dev: true }] }
    }),
  }
}
