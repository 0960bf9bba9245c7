/** Asks a pool whether it is there: one cheap GET that generates nothing. */
import type { Probe } from '../../shared/pool/probe.ts'
import type { Pool, Region } from '../../shared/schema/mesh.ts'
import { adapterOf } from '../adapters/index.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { getFromRoot } from './pool-root.ts'
import { poolTarget } from './pool-target.ts'

const PROBE_WITHIN_MS = 2_000

/** Whether there is a way to ask pools of its dialect that costs them nothing. */
export function canProbe(pool: Pool): boolean {
  return adapterOf(pool).load !== undefined
}

/** Undefined where the pool cannot be probed, or this side failed. Any answer below 500 shows that it is there. */
export async function probePool(
  pool: Pool,
  from: Region,
  { mesh, runtime }: { readonly mesh: Pick<Mesh, 'env' | 'poolHosts'>; readonly runtime: Runtime },
): Promise<Probe | undefined> {
  const adapter = adapterOf(pool)
  const target = poolTarget(pool, mesh.env)
  if (adapter.load === undefined || target === undefined) return undefined
  const startedAtMs = runtime.now()
  const answer = await getFromRoot(
    { pool, target, path: adapter.load.probePath, headersWithinMs: PROBE_WITHIN_MS, from },
    { mesh, runtime },
  )
  const tookMs = runtime.now() - startedAtMs
  if (!answer.ok) return answer.error === 'host_not_allowed' ? undefined : { isAlive: false, tookMs }
  await answer.value.body?.cancel().catch(() => undefined)
  return { isAlive: answer.value.status < 500, tookMs }
}
