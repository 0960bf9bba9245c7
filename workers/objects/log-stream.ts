/** The byte streams a shard hands to readers: a head line, then a log's lines from wherever they are kept. */
import { encodeHeadLine } from '../../shared/log/lines.ts'
import type { LogHead } from '../stream/log-answer.ts'
import type { Generation } from './generation.ts'

/** A reader gets as much as is there in one write, up to this: a write per frame costs twenty times as much. */
const MAX_WRITE_CHARACTERS = 16 * 1024

/**
 * How often a blank line, which readers pass over, goes out while there is nothing to write: between isolates a
 * cancelled stream is noticed at the next write only, and a pool that reads a long prompt would compute for nobody.
 */
const BEAT_MS = 500
const BLANK_LINE = '\n'

const encoder = new TextEncoder()

/** What follows the head. */
export type LogBody =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'stored'; readonly segments: readonly Uint8Array[] }
  /** The reader has joined; it leaves when it is done, or gone. */
  | { readonly kind: 'followed'; readonly generation: Generation }

export interface LogOpening {
  readonly head: LogHead
  readonly body: LogBody
}

/**
 * Makes a reader's stream. It is pulled: what a slow reader has not taken waits in the log, not in a queue of its own.
 * `opening` may take until the first token; a reader who leaves before is noticed by `onLeave`.
 */
export function logStream(opening: Promise<LogOpening>, onLeave: () => void): ReadableStream<Uint8Array> {
  const chunks = chunksOf(opening)
  let isWaiting = false
  let beat: ReturnType<typeof setInterval> | undefined
  const stopBeating = (): void => clearInterval(beat)
  opening.catch(stopBeating)
  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      beat = setInterval(() => {
        if (isWaiting) controller.enqueue(encoder.encode(BLANK_LINE))
      }, BEAT_MS)
    },
    async pull(controller) {
      isWaiting = true
      const { done, value } = await chunks.next().finally(() => {
        isWaiting = false
      })
      if (!done) return controller.enqueue(value)
      stopBeating()
      return controller.close()
    },
    cancel() {
      stopBeating()
      onLeave()
    },
  } satisfies UnderlyingByteSource)
}

async function* chunksOf(opening: Promise<LogOpening>): AsyncGenerator<Uint8Array, undefined> {
  const { head, body } = await opening
  yield encoder.encode(encodeHeadLine(head))
  if (body.kind === 'stored') yield* body.segments
  if (body.kind !== 'followed') return
  const { generation } = body
  let position = 0
  for (;;) {
    // Asked for before the log is read, so that no change in between is missed.
    const changed = generation.changed()
    const piece = generation.log.readFrom(position, MAX_WRITE_CHARACTERS)
    if (piece.text !== '') {
      position = piece.position
      yield encoder.encode(piece.text)
    } else if (generation.log.state === 'open') {
      await changed
    } else {
      return
    }
  }
}
