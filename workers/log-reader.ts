/** Who reads a log, as its decisions see the reader: the same at the edge, over its own copies, as in a shard. */
import { isCuttable } from '../shared/log/continuation.ts'
import type { DistrustedTime, LogReader } from '../shared/log/reading.ts'
import type { Distrust } from '../shared/schema/mesh.ts'
import { adapters } from './adapters/index.ts'
import type { Mesh } from './mesh.ts'
import type { GenerationJob } from './objects/log-shard-rpc.ts'
import { mayContinue } from './stages/produce.ts'

export type LogRequest = Pick<GenerationJob, 'generation' | 'allowedPools' | 'cache' | 'tenant'>

/** What the job, its tenant and the config say about whom it may be answered by. */
export function readerOf(job: LogRequest, mesh: Mesh, nowMs: number): LogReader {
  const { generation, allowedPools, cache } = job
  const tenant = mesh.tenants.get(job.tenant)
  const { tokenLimit } = generation
  return {
    ...(tokenLimit === undefined ? {} : { limit: tokenLimit }),
    allowedPools: new Set(allowedPools),
    maxAgeSeconds: Math.min(cache.ttlSeconds, cache.maxAgeSeconds ?? Infinity),
    nowMs,
    refresh: !cache.read,
    mayCut: isCuttable(generation),
    canContinue:
      tenant !== undefined && mayContinue(generation, tenant) && someContinues(allowedPools, job, mesh),
    takesStitched: tenant?.cache.stitched ?? true,
    distrusted: distrustedTimes(mesh.config.distrust),
  }
}

/** The config's entries as times. */
export function distrustedTimes(entries: readonly Distrust[]): DistrustedTime[] {
  return entries.map(({ pool, model, version, from, to }) => ({
    ...(pool === undefined ? {} : { pool }),
    ...(model === undefined ? {} : { model }),
    ...(version === undefined ? {} : { version }),
    fromMs: Date.parse(from),
    toMs: to === undefined ? Infinity : Date.parse(to),
  }))
}

function someContinues(allowedPools: readonly string[], { generation }: LogRequest, mesh: Mesh): boolean {
  const allowed = new Set(allowedPools)
  return mesh.config.pools.some(
    ({ id, dialect }) => allowed.has(id) && adapters[dialect].continues[generation.surface],
  )
}
