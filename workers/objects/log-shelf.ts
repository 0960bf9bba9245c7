/** The logs of one shard, in memory and in its database: finds them, begins new ones, keeps what they have become. */
import { createGenerationLog } from '../../shared/log/generation-log.ts'
import type { KeptLog } from '../../shared/log/document.ts'
import { replaces } from '../../shared/log/replaces.ts'
import { readerOf } from '../log-reader.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { createGeneration, type Generation, type GenerationOptions } from './generation.ts'
import type { LogKeeper, LogRecorder } from './log-keeper.ts'
import type { GenerationJob } from './log-shard-rpc.ts'
import { createLogSlots, type Slot } from './log-slots.ts'
import type { Promoter } from './promoter.ts'

/** Which log, and the key it is encrypted under. */
export type LogName = Pick<GenerationJob, 'fingerprint' | 'wrappedKey'>

export interface LogShelf {
  slot(name: LogName): Promise<Slot>
  /** One take, also one that is not current any more. */
  take(name: LogName, take: string): Promise<Generation | undefined>
  /** Makes a new log for a job. It is found by others from now on, and has still to be begun. */
  create(job: GenerationJob, slot: Slot): Generation
  /** A log was replayed: what is asked for often is copied to where it is near. */
  replayed(job: GenerationJob, generation: Generation, slot: Slot): void
  /** Whether as much is being made as the object's memory allows. */
  isFull(): boolean
}

export interface LogShelfOptions {
  readonly mesh: Mesh
  readonly runtime: Runtime
  readonly keeper: LogKeeper
  readonly promoter: Promoter
  readonly start: (fingerprint: string) => GenerationOptions['start']
  /** Called when a production has ended, once it is decided what becomes of its log. */
  readonly onEnd: (generation: Generation) => void
  /** Takes work that nobody waits for. */
  readonly inBackground: (work: Promise<unknown>) => void
  /** Called when something was written that will have to be deleted. */
  readonly onWritten: () => Promise<void>
}

/** A log is copied to KV when it is replayed for this time. */
const PROMOTE_AT_HITS = 2

export function createLogShelf(options: LogShelfOptions): LogShelf {
  const { mesh, runtime, keeper, promoter } = options
  const { limits, log: settings } = mesh.config
  const slots = createLogSlots()

  function generationOf(
    name: LogName,
    what: { take: string; log: KeptLog['log']; kept?: KeptLog; job?: GenerationJob },
  ): Generation {
    const recorder = keeper.recorder({ take: what.take, fingerprint: name.fingerprint }, name.wrappedKey)
    let productions = what.kept === undefined ? 0 : 1
    return createGeneration({
      take: what.take,
      log: what.log,
      ...(what.kept === undefined ? {} : { kept: what.kept }),
      start: options.start(name.fingerprint),
      lifeOf,
      now: () => runtime.now(),
      mayContinue: (job) => readerOf(job, mesh, runtime.now()).canContinue,
      maxBytes: limits.max_log_bytes,
      detachedTokens: limits.detached_tokens,
      onEvents({ kept, log }) {
        // What is being continued stays stored as it was until it ends again.
        if (kept === undefined || productions > 0 || log.firstKept > 0) return
        const written = recorder.note(kept, runtime.now())
        // At once, and not when it has ended: that may never come.
        if (written !== undefined) options.inBackground(written.then(options.onWritten))
      },
      onEnd(generation) {
        if (productions > 0) recorder.rewrite()
        productions += 1
        keep(generation, recorder, name, what.job)
        options.onEnd(generation)
      },
    })
  }

  function lifeOf(job: GenerationJob) {
    const nowMs = runtime.now()
    return {
      model: job.generation.model,
      modelVersion: job.modelVersion,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + job.cache.ttlSeconds * 1000,
    }
  }

  function keep(generation: Generation, recorder: LogRecorder, name: LogName, job?: GenerationJob): void {
    const slot = slots.peek(name.fingerprint)
    const { kept, log } = generation
    const isUsable = log.state === 'sealed' || (log.isPlain && log.length > 0)
    if (kept === undefined || !isUsable || log.firstKept > 0) {
      slot?.remove(generation)
      if (kept !== undefined) options.inBackground(recorder.discard())
      return
    }
    const isFresh = job?.cache.read === false && log.state === 'sealed'
    const others = slot?.takes.filter((other) => other !== generation && other.isIdle) ?? []
    const isCurrent = isFresh || others.every((other) => isExpired(other) || replaces(log, other.log))
    if (isCurrent) slot?.replaceBy(generation)
    else slot?.remove(generation)
    options.inBackground(recorder.end(kept, runtime.now(), isCurrent).then(options.onWritten))
    // What was copied before is not what is to be replayed now.
    if (isFresh && job !== undefined) promote(job, kept)
  }

  function isExpired({ kept }: Generation): boolean {
    return kept === undefined || kept.life.expiresAtMs <= runtime.now()
  }

  function promote(job: GenerationJob, kept: KeptLog): void {
    const { tenant, fingerprint, wrappedKey } = job
    if (!job.cache.isPromotable) return
    const work = promoter.promote({ tenant, fingerprint, wrappedKey, kept, nowMs: runtime.now() })
    options.inBackground(
      work.catch(() => runtime.log({ event: 'storage_error', object: 'log_shard', what: 'not_promoted' })),
    )
  }

  return {
    slot: (name) =>
      slots.open(name.fingerprint, async () => {
        const found = await keeper.find(name.fingerprint, name.wrappedKey)
        return found && generationOf(name, { take: found.take, log: found.kept.log, kept: found.kept })
      }),
    async take(name, take) {
      const found = await keeper.findTake(take, name.wrappedKey)
      return found && generationOf(name, { take, log: found.kept.log, kept: found.kept })
    },
    create(job, slot) {
      const { surface, tokenLimit } = job.generation
      const log = createGenerationLog(surface, tokenLimit)
      const generation = generationOf(job, { take: runtime.randomHex(12), log, job })
      slot.add(generation)
      return generation
    },
    replayed(job, { take, isIdle, kept }, slot) {
      const hits = (slot.hits.get(take) ?? 0) + 1
      slot.hits.set(take, hits)
      if (hits === PROMOTE_AT_HITS && isIdle && kept?.log.state === 'sealed') promote(job, kept)
    },
    isFull: () => slots.openSize() >= settings.max_shard_bytes,
  }
}
