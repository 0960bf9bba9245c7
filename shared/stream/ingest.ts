/** Turns a pool's event stream into frames and exactly one end, as a pure state machine fed with text. */
import type { Finish, Frame, Surface, Usage } from '../log/frame.ts'
import { createEventReader } from './event-reader.ts'
import type { SseEvent } from './event-reader.ts'
import { createCallNumbering } from './number-calls.ts'
import type { PoolFault } from '../pool/pool-fault.ts'
import type { ReadEvent, UpstreamEvent } from './upstream-event.ts'

export interface IngestOptions {
  readonly surface: Surface
  /** The dialect's reader of this stream's events. */
  readonly readEvent: ReadEvent
  /** Choices the request asked for (`n`, or `n` × prompts): fewer that finish are not a whole answer. */
  readonly expectedChoices: number
  readonly maxEventChars?: number
}

/** How the pool's side ended. A reader that left and a stream that stalled are for the relay to know. */
export interface StreamEnd {
  readonly outcome: 'completed' | 'truncated' | 'upstream_error'
  /** The counts last stated; running ones if the pool never came to its final ones. */
  readonly usage?: Usage
  /** One per choice that finished, by index. */
  readonly finishes: readonly Finish[]
  /** Of an `upstream_error`: why, where the pool said so. */
  readonly fault?: PoolFault
}

export type IngestStep =
  { readonly kind: 'frame'; readonly frame: Frame } | { readonly kind: 'end'; readonly end: StreamEnd }

export interface Ingest {
  /**
   * Takes a chunk of decoded text, cut anywhere. An `end` step, always the last one, means that nothing of the
   * rest matters: the pool said it was done, or failed. Later calls give nothing.
   */
  push(text: string): readonly IngestStep[]
  /** The counts last stated. */
  usage(): Usage | undefined
  /** The upstream closed. Gives the end already given, if there was one. */
  end(): StreamEnd
}

/** A logprobs chunk of twenty alternatives is about 4 KB; what is a thousand times that is no delta. */
const DEFAULT_MAX_EVENT_CHARS = 4 * 1024 * 1024

/** Finish reasons by which engines say that they gave up (vLLM, SGLang): failures that look like an end. */
const FAILED_FINISHES: ReadonlySet<string> = new Set(['error', 'abort'])

const FAILED: UpstreamEvent = { kind: 'error' }

/**
 * Makes the state machine for one answer. `completed` means that every choice seen, and at least as many as were
 * expected, gave a finish reason and nothing failed. Neither status 200 nor `[DONE]` is success: vLLM and SGLang
 * send an error event and then `[DONE]` inside a 200.
 */
export function createIngest(options: IngestOptions): Ingest {
  const { surface, readEvent, expectedChoices } = options
  const reader = createEventReader(options.maxEventChars ?? DEFAULT_MAX_EVENT_CHARS)
  const finishes = new Map<number, string>()
  const unfinished = new Set<number>()
  const numberCalls = createCallNumbering()
  let usage: Usage | undefined
  let ended: StreamEnd | undefined

  function finish(outcome: StreamEnd['outcome'], fault?: PoolFault): StreamEnd {
    const list = [...finishes].map(([index, reason]) => ({ index, reason }))
    list.sort((a, b) => a.index - b.index)
    ended = {
      outcome,
      finishes: list,
      ...(usage === undefined ? {} : { usage }),
      ...(fault === undefined ? {} : { fault }),
    }
    return ended
  }

  function isComplete(): boolean {
    return unfinished.size === 0 && finishes.size >= expectedChoices
  }

  function read(event: SseEvent): IngestStep | undefined {
    const upstream = meaningOf(event)
    switch (upstream.kind) {
      case 'frame':
        if (upstream.usage !== undefined) usage = upstream.usage
        return takeFrame(upstream.frame, upstream.indexes)
      case 'usage':
        usage = upstream.usage
        return undefined
      case 'done':
        return { kind: 'end', end: finish(isComplete() ? 'completed' : 'truncated') }
      case 'error':
        return { kind: 'end', end: finish('upstream_error', upstream.fault) }
      case 'ignored':
        return undefined
    }
  }

  /** SDKs take an event named `error` for a failure whatever its data, and so do we. */
  function meaningOf({ name, data }: SseEvent): UpstreamEvent {
    const upstream = readEvent(surface, data, name)
    return name === 'error' && upstream.kind !== 'error' ? FAILED : upstream
  }

  function takeFrame(frame: Frame, indexes: readonly number[]): IngestStep {
    if (frame.finishes.some(({ reason }) => FAILED_FINISHES.has(reason))) {
      return { kind: 'end', end: finish('upstream_error') }
    }
    for (const index of indexes) if (!finishes.has(index)) unfinished.add(index)
    for (const { index, reason } of frame.finishes) {
      finishes.set(index, reason)
      unfinished.delete(index)
    }
    const members = numberCalls(frame.members)
    const numbered = members === frame.members ? frame : { ...frame, members }
    return { kind: 'frame', frame: expectedChoices > 1 ? ofOneOfMany(numbered) : numbered }
  }

  return {
    push(text) {
      if (ended !== undefined) return []
      const steps: IngestStep[] = []
      for (const event of reader.push(text)) {
        const step = read(event)
        if (step !== undefined) steps.push(step)
        if (step?.kind === 'end') return steps
      }
      if (reader.overflowed()) steps.push({ kind: 'end', end: finish('upstream_error') })
      return steps
    },
    usage: () => usage,
    end: () => ended ?? finish(isComplete() ? 'completed' : 'truncated'),
  }
}

/** With several choices neither an event's count (vLLM's is of its own choice) nor its text is the answer's. */
function ofOneOfMany(frame: Frame): Frame {
  const { completionTokens: _count, text: _text, ...rest } = frame
  return rest
}
