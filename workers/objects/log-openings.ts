/** How a shard answers a reader: from a log that is there, by joining one, by continuing one, or by making one. */
import { isDistrusted } from '../../shared/log/reading.ts'
import { distrustedTimes } from '../log-reader.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import type { Generation } from './generation.ts'
import { choose } from './log-choice.ts'
import { copyFor, factsOfLog } from './log-facts.ts'
import type { GenerationJob, ResumeJob } from './log-shard-rpc.ts'
import type { LogShelf } from './log-shelf.ts'
import type { Slot } from './log-slots.ts'
import type { LogOpening, LogReadingJob } from './log-stream.ts'
import type { Attachment } from './shard-runs.ts'

export interface LogOpenings {
  open(job: GenerationJob, attachment: Attachment): Promise<LogOpening>
  resume(job: ResumeJob, attachment: Attachment): Promise<LogOpening>
}

export interface LogOpeningsOptions {
  readonly mesh: Mesh
  readonly runtime: Runtime
  readonly shelf: LogShelf
  readonly isQuarantined: (fingerprint: string) => boolean
}

const NOT_CACHED: LogOpening = { head: { refused: { reason: 'not_cached' } } }
const QUARANTINED: LogOpening = { head: { refused: { reason: 'request_quarantined' } } }
const NOT_FOUND: LogOpening = { head: { refused: { reason: 'run_not_found' } } }

export function createLogOpenings({ mesh, runtime, shelf, isQuarantined }: LogOpeningsOptions): LogOpenings {
  async function open(job: GenerationJob, attachment: Attachment): Promise<LogOpening> {
    const slot = await shelf.slot(job)
    if (job.resumed !== undefined) return reopen(job, job.resumed, slot, attachment)
    for (;;) {
      if (attachment.hasLeft) return { head: { declined: 'gone' } }
      // From here to the next wait nothing else runs: two who ask at once cannot both find nothing.
      const choice = choose(slot.takes, job, mesh, runtime.now())
      switch (choice.reading) {
        case 'wait':
          await choice.generation.begun
          break
        case 'hit':
          return hit(job, choice.generation, slot)
        case 'coalesced': {
          const followed = await follow(job, choice.generation, attachment)
          if (followed !== undefined) return followed
          break
        }
        case 'extended':
          return extend(job, choice.generation, attachment)
        case 'miss':
          return make(job, slot, attachment)
      }
    }
  }

  function hit(job: GenerationJob, generation: Generation, slot: Slot): LogOpening {
    const { take } = generation
    const kept = keptOf(generation)
    shelf.replayed(job, generation, slot)
    const facts = factsOfLog(kept, 'hit', runtime.now())
    const copy = copyFor(job, kept)
    return {
      head: { facts, take, ...(copy === undefined ? {} : { copy }) },
      reading: readingOf(generation, askedOf(job), { events: 0 }),
    }
  }

  async function follow(
    job: GenerationJob,
    generation: Generation,
    attachment: Attachment,
  ): Promise<LogOpening | undefined> {
    const reading = readingOf(generation, askedOf(job), { events: 0 })
    attachment.join(generation, job)
    const begun = await generation.begun
    if (!begun.ok) return { head: { refused: begun.error } }
    // It was not known whom it would be made by: a pool that this reader has ruled out makes nothing for it.
    if (!isMadeBy(generation, job.allowedPools)) return undefined
    const facts = factsOfLog(keptOf(generation), 'coalesced', runtime.now())
    return { head: { facts, take: generation.take }, reading }
  }

  function extend(job: GenerationJob, generation: Generation, attachment: Attachment): LogOpening {
    if (job.cache.onlyIfCached) return NOT_CACHED
    if (isQuarantined(job.fingerprint)) return QUARANTINED
    attachment.join(generation, job)
    // At once, and not when the reader has had what there is.
    const extension = generation.extend()
    const facts = factsOfLog(keptOf(generation), 'extended', runtime.now())
    const reading = readingOf(generation, askedOf(job), {
      events: 0,
      isExtended: true,
      extension,
    })
    return { head: { facts, take: generation.take }, reading }
  }

  async function make(job: GenerationJob, slot: Slot, attachment: Attachment): Promise<LogOpening> {
    if (job.cache.onlyIfCached) return NOT_CACHED
    if (isQuarantined(job.fingerprint)) return QUARANTINED
    if (shelf.isFull()) return { head: { declined: 'busy' } }
    const generation = shelf.create(job, slot)
    const reading = readingOf(generation, askedOf(job), { events: 0 })
    attachment.join(generation, job)
    const begun = await generation.begin(job)
    if (!begun.ok) return { head: { refused: begun.error } }
    const facts = factsOfLog(keptOf(generation), job.cache.read ? 'miss' : 'refresh', runtime.now())
    return { head: { facts, take: generation.take }, reading }
  }

  /** An edge that was reading when the object restarted: only the same log will do, and only from where it was. */
  function reopen(
    job: GenerationJob,
    { take, events }: NonNullable<GenerationJob['resumed']>,
    slot: Slot,
    attachment: Attachment,
  ): LogOpening {
    const generation = slot.takes.find((each) => each.take === take)
    // Who is ahead of what was stored, or behind what was dropped, goes on from his own text.
    const isThere =
      generation !== undefined && isBetween(generation.log.firstKept, events, generation.log.length)
    // One whose last reader seemed to be gone is being cancelled: nothing more comes of it.
    const isOver = !isThere || generation.isAbandoned
    if (isOver || generation.kept === undefined || !isMadeBy(generation, job.allowedPools)) {
      return { head: { declined: 'gone' } }
    }
    if (generation.log.state === 'broken' && isQuarantined(job.fingerprint)) return QUARANTINED
    attachment.join(generation, job)
    const extension = generation.log.state === 'broken' ? generation.extend() : undefined
    const reading = readingOf(generation, askedOf(job), {
      events,
      isExtended: true,
      ...(extension && { extension }),
    })
    return { head: { facts: factsOfLog(generation.kept, 'extended', runtime.now()), take }, reading }
  }

  async function resume(job: ResumeJob, attachment: Attachment): Promise<LogOpening> {
    const { previous } = attachment
    const generation = previous?.generation ?? (await find(job))
    // Until it is known whether it may be read here, it is held as it was.
    const begun = await generation?.begun
    if (begun?.ok === false) return { head: { refused: begun.error } }
    if (generation?.kept === undefined || !isReadable(generation, job)) return NOT_FOUND
    if (previous !== undefined && !generation.isIdle) {
      attachment.join(generation, { ...previous.job, allowedPools: inBoth(previous.job, job) })
    }
    const owner = [...generation.readers][0]?.job
    if (previous === undefined && owner !== undefined && !generation.isIdle) {
      attachment.join(generation, {
        ...owner,
        run: job.run,
        comesBack: 'never',
        allowedPools: inBoth(owner, job),
      })
    }
    const facts = factsOfLog(generation.kept, 'hit', runtime.now())
    return {
      head: { facts, take: generation.take },
      reading: readingOf(generation, job, { events: job.events }),
    }
  }

  async function find(job: ResumeJob): Promise<Generation | undefined> {
    const slot = await shelf.slot(job)
    const inMemory = slot.takes.find(({ take }) => job.take === undefined || take === job.take)
    return inMemory ?? (job.take === undefined ? undefined : shelf.take(job, job.take))
  }

  /** As long as it lives, and to whom all the pools are allowed that had a part in it. */
  function isReadable(generation: Generation, job: ResumeJob): boolean {
    const { kept, log } = generation
    const nowMs = runtime.now()
    if (kept === undefined || kept.life.expiresAtMs <= nowMs) return false
    if (nowMs - kept.life.createdAtMs > (job.maxAgeSeconds ?? Number.POSITIVE_INFINITY) * 1000) return false
    const times = distrustedTimes(mesh.config.distrust)
    return isMadeBy(generation, job.allowedPools) && !times.some((time) => isDistrusted(log, kept.life, time))
  }

  function readingOf(
    generation: Generation,
    { limit, allowedPools }: Asked,
    where: Pick<LogReadingJob, 'events' | 'extension'> & { isExtended?: boolean },
  ): LogReadingJob {
    return {
      generation,
      allowedPools: new Set(allowedPools),
      isExtended: false,
      ...where,
      ...(limit === undefined ? {} : { limit }),
      rank: generation.readers.size,
      maxFollowers: mesh.config.log.max_followers,
    }
  }

  return { open, resume }
}

/** What a reader asked for, as far as reading is concerned. */
interface Asked {
  readonly limit?: number
  readonly allowedPools: readonly string[]
}

function askedOf({ generation, allowedPools }: GenerationJob): Asked {
  const { tokenLimit } = generation
  return { allowedPools, ...(tokenLimit === undefined ? {} : { limit: tokenLimit }) }
}

function isMadeBy({ log }: Generation, allowedPools: readonly string[]): boolean {
  return log.producers.every(({ pool }) => allowedPools.includes(pool))
}

/** It was asked for under one config and is read on under another: what is still to be made obeys both. */
function inBoth(before: GenerationJob, now: ResumeJob): readonly string[] {
  return before.allowedPools.filter((pool) => now.allowedPools.includes(pool))
}

function isBetween(least: number, value: number, most: number): boolean {
  return least <= value && value <= most
}

function keptOf({ kept }: Generation) {
  if (kept === undefined) throw new Error('a log that has begun is kept')
  return kept
}
