/** What a pool's server has beside the versioned API that generations go to: its health, and what it says of its load. */
import type { Result } from '../../shared/result.ts'
import type { Pool, Region } from '../../shared/schema/mesh.ts'
import { adapterOf } from '../adapters/index.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { callOut, type CallFailure } from './call.ts'
import type { PoolTarget } from './pool-target.ts'

export interface RootGet {
  readonly pool: Pool
  readonly target: PoolTarget
  /** Below the root, without a leading slash. */
  readonly path: string
  readonly headersWithinMs: number
  readonly from: Region
}

/** `https://gpu.example.com/a/v1` → `https://gpu.example.com/a`. A base URL without a version segment is the root itself. */
export function poolRoot(baseUrl: string): string {
  return baseUrl.replace(/\/v\d[a-z0-9]*$/, '')
}

/** Asks with the pool's own key, as `callOut` does. */
export function getFromRoot(
  { pool, target, path, headersWithinMs, from }: RootGet,
  { mesh, runtime }: { readonly mesh: Pick<Mesh, 'poolHosts'>; readonly runtime: Runtime },
): Promise<Result<Response, CallFailure>> {
  return callOut(
    {
      url: `${poolRoot(target.baseUrl)}/${path}`,
      method: 'GET',
      headers: { ...target.headers, ...adapterOf(pool).headers },
      allowedHosts: mesh.poolHosts,
      headersWithinMs,
      abort: new AbortController(),
      from,
      ...(target.through === undefined ? {} : { through: target.through }),
    },
    runtime,
  )
}
