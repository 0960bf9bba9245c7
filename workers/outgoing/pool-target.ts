/** How a pool is reached: its address, its credentials and, for private ones, the binding to go through. */
import type { Pool } from '../../shared/schema/mesh.ts'
import { adapterOf } from '../adapters/index.ts'
import { fetcherBinding, textBinding, type Environment } from '../environment.ts'

export interface PoolTarget {
  /** Ends without a slash. */
  readonly baseUrl: string
  readonly host: string
  readonly headers: Readonly<Record<string, string>>
  readonly through?: Fetcher
}

const SECRET_PREFIX = 'secret:'

/** Resolves the names in a pool's config. Undefined where a secret or a binding it names does not exist. */
export function poolTarget(pool: Pool, env: Environment): PoolTarget | undefined {
  const secret = pool.auth === undefined ? '' : textBinding(env, pool.auth.slice(SECRET_PREFIX.length))
  const through = pool.binding === undefined ? undefined : fetcherBinding(env, pool.binding)
  if (secret === undefined || (pool.binding !== undefined && through === undefined)) return undefined

  const adapter = adapterOf(pool)
  // A binding that leads to one service needs no address: the host only has to be a host, and nobody's.
  const baseUrl = (pool.url ?? `https://${pool.id}.pool${adapter.basePath ?? '/v1'}`).replace(/\/+$/, '')
  const header = pool.auth_header ?? adapter.authHeader ?? 'authorization'
  return {
    baseUrl,
    host: new URL(baseUrl).host,
    // Only the standard header has a scheme; in the others a key stands by itself.
    headers: secret === '' ? {} : { [header]: header === 'authorization' ? `Bearer ${secret}` : secret },
    ...(through === undefined ? {} : { through }),
  }
}
