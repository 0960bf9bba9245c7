/**
 * The one stream that a client reads: events as it takes them, and a comment wherever there has been nothing for a while,
 * so that no proxy on the way takes a pool that reads a long prompt for a dead connection.
 */
import { KEEP_ALIVE } from '../../shared/stream/render.ts'
import type { Runtime } from '../runtime.ts'

export interface EventStep {
  /** Whole events; of the last step, perhaps none. */
  readonly text: string
  readonly isLast: boolean
}

export interface EventSource {
  /** What comes next. Never rejects; not called again after the last. */
  next(): Promise<EventStep>
  /** The client is gone. */
  cancel(): void
}

export interface KeepAliveOptions {
  /** Silence before a comment, in milliseconds. */
  readonly keepAliveMs: number
  /** Whether the stream begins before its first event is known: then with a comment, which makes its headers leave. */
  readonly beginsWithComment: boolean
  readonly runtime: Pick<Runtime, 'now'>
}

/**
 * Comments are for a client that waits: none is written while there is something it has not taken, so that a client that
 * does not read costs no memory. As in the watchdog of pools, one timer lives at a time and is re-armed when it fires.
 */
export function keptAlive(source: EventSource, options: KeepAliveOptions): ReadableStream<Uint8Array> {
  const { keepAliveMs, beginsWithComment, runtime } = options
  const encoder = new TextEncoder()
  let timer: ReturnType<typeof setTimeout> | undefined
  let quietSinceMs = 0
  let hasLeft = false

  function arm(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const leftMs = quietSinceMs + keepAliveMs - runtime.now()
    timer = setTimeout(() => check(controller), Math.max(1, leftMs))
  }

  function check(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const nowMs = runtime.now()
    if (nowMs - quietSinceMs >= keepAliveMs) {
      quietSinceMs = nowMs
      const hasTakenAll = (controller.desiredSize ?? 0) > 0
      if (hasTakenAll) controller.enqueue(encoder.encode(KEEP_ALIVE))
    }
    arm(controller)
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (beginsWithComment) controller.enqueue(encoder.encode(KEEP_ALIVE))
    },
    async pull(controller) {
      // It is asked for more when what was written last has been taken.
      quietSinceMs = runtime.now()
      if (timer === undefined) arm(controller)
      const { text, isLast } = await source.next()
      if (hasLeft) return
      if (text !== '') controller.enqueue(encoder.encode(text))
      if (!isLast) return
      clearTimeout(timer)
      controller.close()
    },
    cancel() {
      hasLeft = true
      clearTimeout(timer)
      source.cancel()
    },
  })
}
