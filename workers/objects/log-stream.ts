/** The byte streams a shard hands to readers: a head line, then a log's lines from wherever they are kept. */
import { encodeHeadLine } from '../../shared/log/lines.ts'
import type { LogHead } from '../stream/log-answer.ts'
import type { Generation } from './generation.ts'

/** A reader gets as much as is there in one write, up to this: a write per frame costs twenty times as much. */
const MAX_WRITE_CHARACTERS = 16 * 1024

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
  const encoder = new TextEncoder()
  let rest: AsyncGenerator<Uint8Array> | undefined
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      if (rest === undefined) {
        const { head, body } = await opening
        controller.enqueue(encoder.encode(encodeHeadLine(head)))
        rest = chunksOf(body, encoder)
        return
      }
      const { done, value } = await rest.next()
      if (!done) controller.enqueue(value)
      else controller.close()
    },
    cancel: onLeave,
  } satisfies UnderlyingByteSource)
}

async function* chunksOf(body: LogBody, encoder: TextEncoder): AsyncGenerator<Uint8Array> {
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
