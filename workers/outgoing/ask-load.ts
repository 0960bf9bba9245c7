/** Asks a pool about its load, in the ways its dialect has, and remembers which of them works. */
import type { LoadReading } from '../../shared/pool/load-report.ts'
import type { Pool, Region } from '../../shared/schema/mesh.ts'
import { adapterOf } from '../adapters/index.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { readBeginning } from './call.ts'
import { getFromRoot } from './pool-root.ts'
import { poolTarget, type PoolTarget } from './pool-target.ts'

export interface LoadSources {
  /** What the pool says now; undefined where it says nothing that can be read. Never rejects. */
  ask(): Promise<LoadReading | undefined>
}

/** Of headers and body together. */
const LOAD_WITHIN_MS = 2_000
/** An engine with hundreds of series has 100 KB of metrics. */
const MAX_LOAD_BYTES = 512 * 1024
/** What a server does not have it does not get soon: by an update, say. */
const NOT_THERE_MS = 60_000
const NOT_THERE: readonly number[] = [404, 501]

/** For one pool. Undefined where its dialect tells nothing, or something that its config names is missing. */
export function createLoadSources(
  pool: Pool,
  from: Region,
  { mesh, runtime }: { readonly mesh: Pick<Mesh, 'env' | 'poolHosts'>; readonly runtime: Runtime },
): LoadSources | undefined {
  const adapter = adapterOf(pool)
  const target = poolTarget(pool, mesh.env)
  if (adapter.load === undefined || target === undefined) return undefined
  const { sources } = adapter.load
  /** By path. */
  const askAgainAtMs = new Map<string, number>()
  let worked = sources[0]

  /** What the pool answers there; undefined where it does not answer as it should. */
  async function read(path: string, withinMs: number, target: PoolTarget) {
    const askedAtMs = runtime.now()
    const answer = await getFromRoot(
      { pool, target, path, headersWithinMs: withinMs, from },
      { mesh, runtime },
    )
    if (!answer.ok) return undefined
    const { status, body } = answer.value
    if (NOT_THERE.includes(status)) askAgainAtMs.set(path, runtime.now() + NOT_THERE_MS)
    if (status === 200) {
      const leftMs = Math.max(1, withinMs - (runtime.now() - askedAtMs))
      return readBeginning(answer.value, MAX_LOAD_BYTES, leftMs)
    }
    await body?.cancel().catch(() => undefined)
    return undefined
  }

  return {
    async ask() {
      const endsAtMs = runtime.now() + LOAD_WITHIN_MS
      const inOrder = [worked, ...sources].filter((source) => source !== undefined)
      for (const source of new Set(inOrder)) {
        const nowMs = runtime.now()
        if (nowMs >= endsAtMs) break
        if (nowMs < (askAgainAtMs.get(source.path) ?? 0)) continue
        const text = await read(source.path, endsAtMs - nowMs, target)
        const reading = text === undefined ? undefined : source.read(text)
        if (reading === undefined) continue
        worked = source
        return reading
      }
      return undefined
    },
  }
}
