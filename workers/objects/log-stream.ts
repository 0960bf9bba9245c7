/** The byte streams a shard hands to readers: a head line, then a log's lines from wherever the reader stands. */
import { encodeEndLine, encodeFrameLine, encodeHeadLine, encodeUsageLine } from '../../shared/log/lines.ts'
import { readOn, type LogPiece } from '../../shared/log/read-on.ts'
import type { AnswerEnd, AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { LogHead } from '../stream/log-answer.ts'
import type { Generation } from './generation.ts'
import type { Pulse } from './pulse.ts'

/** A reader gets as much as is there in one write, up to this: a write per frame costs twenty times as much. */
const MAX_WRITE_CHARACTERS = 16 * 1024

/**
 * How often a blank line, which readers pass over, goes out while there is nothing to write: between isolates a
 * cancelled stream is noticed at the next write only, and a pool that reads a long prompt would compute for nobody.
 */
export const BEAT_MS = 500
const BLANK_LINE = '\n'

/** Among very many readers the later ones get what has come in this time at once: each write costs all of them. */
const BATCH_MS = 250
/** So many times as many, and they get the answer when it is whole. */
const PATIENT_FACTOR = 4
/** An answer that has to be continued more often than this does not end by being continued. */
const MAX_EXTENSIONS = 4

const encoder = new TextEncoder()
const batches = new WeakMap<Generation, Promise<void>>()

export interface LogOpening {
  readonly head: LogHead
  readonly reading?: LogReadingJob
}

/** What follows the head. */
export interface LogReadingJob {
  readonly generation: Generation
  /** By whom its answer may be made: what any other adds is not for this reader. */
  readonly allowedPools: ReadonlySet<string>
  readonly events: number
  readonly limit?: number
  /** Whether the reader came for a log that had to be continued. */
  readonly isExtended: boolean
  /** What was begun for it, if so: whether there is more to come. When that fails, it is not tried again at once. */
  readonly extension?: Promise<boolean>
  /** Where it stands among those who read the log being made; from 0. */
  readonly rank: number
  readonly maxFollowers: number
}

/**
 * Makes a reader's stream. It is pulled: what a slow reader has not taken waits in the log, not in a queue of its own.
 * `opening` may take until the first token; `onLeave` is called once, when the reader leaves or has everything.
 */
export function logStream(
  opening: Promise<LogOpening>,
  onLeave: (why: 'left' | 'done') => void,
  pulse: Pulse,
): ReadableStream<Uint8Array> {
  const chunks = chunksOf(opening)
  let isWaiting = false
  let stopBeats = (): void => undefined
  let isOver = false
  const stop = (why: 'left' | 'done'): void => {
    stopBeats()
    // Who has left may be held: what was being written then must not let go of it.
    if (!isOver) onLeave(why)
    isOver = true
  }
  opening.catch(() => stop('done'))
  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      stopBeats = pulse.listen(() => {
        if (isWaiting) controller.enqueue(encoder.encode(BLANK_LINE))
      })
    },
    async pull(controller) {
      isWaiting = true
      try {
        const { done, value } = await chunks.next()
        if (!done) return controller.enqueue(value)
        stop('done')
        return controller.close()
      } catch (error) {
        stop('done')
        throw error
      } finally {
        isWaiting = false
      }
    },
    cancel() {
      stop('left')
    },
  } satisfies UnderlyingByteSource)
}

async function* chunksOf(opening: Promise<LogOpening>): AsyncGenerator<Uint8Array, undefined> {
  const { head, reading } = await opening
  yield encoder.encode(encodeHeadLine(head))
  if (reading === undefined) return
  const { generation, limit } = reading
  let { events } = reading
  let extensions = 0
  for (;;) {
    // Asked for before the log is read, so that no change in between is missed.
    const changed = generation.changed()
    // Without an end line: the reader has to see how it goes on from what it has.
    if (generation.log.producers.some(({ pool }) => !reading.allowedPools.has(pool))) return
    const piece = readOn(
      generation.log,
      { events, ...(limit === undefined ? {} : { limit }) },
      MAX_WRITE_CHARACTERS,
    )
    events = piece.events
    if (piece.entries.length > 0) yield encoder.encode(piece.entries.map(encodeFrameLine).join(''))
    switch (piece.after) {
      case 'more':
        break
      case 'wait':
        await waitFor(changed, reading)
        break
      case 'whole':
        yield ending(piece, generation, 'completed')
        return
      case 'short':
      case 'broken': {
        const mayExtend = piece.after === 'short' || (reading.isExtended && extensions === 0)
        const begun = extensions === 0 ? reading.extension : undefined
        extensions += 1
        if (mayExtend && extensions <= MAX_EXTENSIONS && (await (begun ?? generation.extend()))) break
        yield ending(piece, generation, piece.after === 'short' ? 'truncated' : brokenBy(generation))
        return
      }
      case 'overshot':
      case 'gone':
        // Without an end line here, too.
        return
    }
  }
}

async function waitFor(changed: Promise<void>, reading: LogReadingJob): Promise<void> {
  const { rank, maxFollowers, generation } = reading
  await changed
  if (rank < maxFollowers || generation.isIdle) return
  await nextBatch(generation)
  while (rank >= maxFollowers * PATIENT_FACTOR && !generation.isIdle) await nextBatch(generation)
}

/** One timer for all who wait for the same: a timer for each of a thousand would keep the object busy with nothing. */
function nextBatch(generation: Generation): Promise<void> {
  const known = batches.get(generation)
  if (known !== undefined) return known
  const batch = scheduler.wait(BATCH_MS).then(() => void batches.delete(generation))
  batches.set(generation, batch)
  return batch
}

/** Whoever reads has not left: that all who read before it did is no answer to it. */
function brokenBy({ outcome }: Generation): AnswerOutcome {
  const isTold = outcome !== undefined && outcome !== 'completed' && outcome !== 'client_cancelled'
  return isTold ? outcome : 'truncated'
}

function ending({ usage, total }: LogPiece, { log }: Generation, outcome: AnswerOutcome): Uint8Array {
  const end: AnswerEnd = { outcome, pools: log.producers.map(({ pool }) => pool), events: total }
  return encoder.encode((usage === undefined ? '' : encodeUsageLine(usage)) + encodeEndLine(end))
}
