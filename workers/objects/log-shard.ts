/**
 * LogShard: holds the logs of many generations of one home. Because one object owns a log, identical requests need no lock
 * to share it; because it is an object, a generation outlives the edge isolate that asked for it.
 */
import { DurableObject } from 'cloudflare:workers'
import type { AnswerFacts } from '../../shared/log/answer-facts.ts'
import { readLog, type LogReader, type LogSummary } from '../../shared/log/reading.ts'
import type { Environment } from '../environment.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { createPoolStates } from '../stores/pool-states.ts'
import { startGeneration, type Completion, type Generation } from './generation.ts'
import { produceJob } from './produce-job.ts'
import type { GenerationJob, LogShardRpc } from './log-shard-rpc.ts'
import { createLogStorage, type LogStorage } from './log-storage.ts'
import { logStream, type LogOpening } from './log-stream.ts'
import type { Methods } from './tenant-ledger.ts'

/** Makes the reader one of a generation's, and returns how it leaves. */
type Join = (generation: Generation) => () => void

/** Makes the class for a mesh and a runtime: production's, or the local one's. */
export function logShardClass(mesh: Mesh, runtime: Runtime) {
  return class LogShard extends DurableObject<Environment> implements Methods<LogShardRpc> {
    readonly #storage: LogStorage
    readonly #pools = createPoolStates()
    /** Generations being made, the newest per `openKey`. */
    readonly #open = new Map<string, Generation>()

    constructor(ctx: DurableObjectState, env: Environment) {
      super(ctx, env)
      this.#storage = createLogStorage(ctx.storage)
    }

    open(job: GenerationJob): Promise<ReadableStream<Uint8Array>> {
      let hasLeft = false
      let leave = (): void => undefined
      // A reader can leave before it is known what it would have joined.
      const join = (generation: Generation): (() => void) => {
        leave = generation.join()
        if (hasLeft) leave()
        return leave
      }
      return Promise.resolve(
        logStream(this.#opening(job, join), () => {
          hasLeft = true
          leave()
        }),
      )
    }

    override async alarm(): Promise<void> {
      this.#storage.sweep(runtime.now())
      await this.#setAlarm()
    }

    async #opening(job: GenerationJob, join: Join): Promise<LogOpening> {
      const reader = readerOf(job, runtime.now())
      return this.#replay(job, reader) ?? (await this.#follow(job, reader, join)) ?? this.#generate(job, join)
    }

    #replay(job: GenerationJob, reader: LogReader): LogOpening | undefined {
      const stored = this.#storage.find(job.fingerprint)
      if (stored === undefined || readLog(stored.summary, reader) !== 'hit') return undefined
      const segments = this.#storage.segments(job.fingerprint)
      if (segments === undefined) return undefined
      const ttlSeconds = remainingSeconds(stored.summary, reader.nowMs)
      return {
        head: { facts: { ...stored.facts, outcome: 'hit', ttlSeconds } },
        body: { kind: 'stored', segments },
      }
    }

    /** Joins a generation of the same request, once it is known which pool makes it. */
    async #follow(job: GenerationJob, reader: LogReader, join: Join): Promise<LogOpening | undefined> {
      const generation = this.#open.get(openKey(job))
      if (generation === undefined || generation.isAbandoned) return undefined
      const leave = join(generation)
      const begun = await generation.begun
      if (!begun.ok) return { head: { refused: begun.error }, body: { kind: 'nothing' } }
      const summary = summaryOf(generation, begun.value, job.cache.ttlSeconds, {})
      if (readLog({ ...summary, state: 'open' }, reader) !== 'coalesced') {
        leave()
        return undefined
      }
      return {
        head: { facts: { ...begun.value, outcome: 'coalesced' } },
        body: { kind: 'followed', generation },
      }
    }

    async #generate(job: GenerationJob, join: Join): Promise<LogOpening> {
      if (job.cache.onlyIfCached) {
        return { head: { refused: { reason: 'not_cached' } }, body: { kind: 'nothing' } }
      }
      const { tokenLimit } = job.generation
      const generation = startGeneration({
        ...(tokenLimit === undefined ? {} : { asked: tokenLimit }),
        startedAtMs: runtime.now(),
        start: (signal) => produceJob(job, signal, { mesh, runtime, pools: this.#pools }),
        onEnd: (ended, facts, completion) => this.#finish(job, ended, facts, completion),
      })
      this.#open.set(openKey(job), generation)
      join(generation)
      const begun = await generation.begun
      if (!begun.ok) return { head: { refused: begun.error }, body: { kind: 'nothing' } }
      return { head: { facts: begun.value }, body: { kind: 'followed', generation } }
    }

    /** Only whole answers are kept; everything else is forgotten when it ends. */
    #finish(
      job: GenerationJob,
      generation: Generation,
      facts: AnswerFacts | undefined,
      completion: Completion,
    ): void {
      if (this.#open.get(openKey(job)) === generation) this.#open.delete(openKey(job))
      const { log } = generation
      if (log.state !== 'sealed' || facts === undefined) return
      const lines = new TextEncoder().encode(log.text())
      if (lines.byteLength > mesh.config.limits.max_log_bytes) return
      const summary = summaryOf(generation, facts, job.cache.ttlSeconds, completion)
      try {
        this.#storage.save(job.fingerprint, { facts, summary }, lines)
      } catch {
        // A full or broken database costs the next reader a generation; this one has its answer.
        runtime.log({ event: 'storage_error', object: 'log_shard' })
        return
      }
      this.ctx.waitUntil(this.#setAlarm())
    }

    /** Always from what is stored: two answers that end together must not lose the earlier end of life. */
    async #setAlarm(): Promise<void> {
      const next = this.#storage.nextExpiryMs()
      if (next !== undefined) await this.ctx.storage.setAlarm(next)
      await runtime.committed()
    }
  }
}

/**
 * Whoever would get just this may join it while it is made: the same limit, and the same pools, so that nobody is told
 * of the failure of pools to which another reader has narrowed itself.
 */
function openKey({ fingerprint, generation, allowedPools }: GenerationJob): string {
  return [fingerprint, generation.tokenLimit ?? '', ...allowedPools].join('/')
}

function readerOf(job: GenerationJob, nowMs: number): LogReader {
  const { tokenLimit } = job.generation
  const { maxAgeSeconds, ttlSeconds, read } = job.cache
  return {
    ...(tokenLimit === undefined ? {} : { limit: tokenLimit }),
    allowedPools: new Set(job.allowedPools),
    maxAgeSeconds: Math.min(ttlSeconds, maxAgeSeconds ?? Number.POSITIVE_INFINITY),
    nowMs,
    refresh: !read,
  }
}

function summaryOf(
  generation: Generation,
  facts: AnswerFacts,
  ttlSeconds: number,
  completion: Completion,
): LogSummary {
  return {
    state: generation.log.state,
    ...(generation.asked === undefined ? {} : { asked: generation.asked }),
    ...completion,
    pool: facts.pool,
    modelVersion: facts.modelVersion,
    createdAtMs: facts.createdAtMs,
    expiresAtMs: facts.createdAtMs + ttlSeconds * 1000,
  }
}

function remainingSeconds(summary: LogSummary, nowMs: number): number {
  return Math.max(0, Math.floor((summary.expiresAtMs - nowMs) / 1000))
}
