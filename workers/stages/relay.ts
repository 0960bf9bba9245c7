/**
 * Eleventh stage: turns an answer into the response, as a stream or folded into one JSON. A relay is the product's hot
 * loop: one write per step, however many frames it has, and nothing is parsed or serialised again.
 */
import { toWire, type ErrorReason, type GatewayError } from '../../shared/errors.ts'
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { Surface, Usage } from '../../shared/log/frame.ts'
import type { Result } from '../../shared/result.ts'
import { createFold } from '../../shared/stream/fold.ts'
import { createRenderer } from '../../shared/stream/render.ts'
import type { Fingerprinted } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import { logInternalError } from '../internal-error.ts'
import type { AnswerSource, AnswerStep } from '../stream/answer-source.ts'
import { keptAlive, type EventSource, type EventStep } from '../stream/keep-alive.ts'

/** How a relay ended, for the record. */
export interface RelayEnd {
  readonly outcome: AnswerOutcome
  readonly usage?: Usage
  /** Pools that made it, in order, where that is known. */
  readonly pools?: readonly string[]
}

/** Whoever reads along with the reader. */
export interface ReadAlong {
  /** Takes the members of the next frame, in order. */
  add(members: string): void
  /** Called once, before the reader is told how it ended; not longer than the reader should wait. */
  end(end: RelayEnd): Promise<void>
}

/** How a stream ended, for the record. */
export interface StreamEnd {
  /** Absent where no answer began. */
  readonly end?: RelayEnd
  /** What the client was told in-band. */
  readonly error?: ErrorReason
}

/** Why an answer that had begun did not end well. */
const FAILURES: Readonly<Record<Exclude<AnswerOutcome, 'completed'>, GatewayError>> = {
  truncated: { reason: 'stream_truncated' },
  upstream_error: { reason: 'pool_stream_error' },
  stalled: { reason: 'stream_stalled' },
  timed_out: { reason: 'total_timeout' },
  client_cancelled: { reason: 'client_cancelled' },
}

/** What a relay needs to know of the reader. */
export interface RelayReader {
  readonly surface: Surface
  /** Under which the client asked for it. */
  readonly model: string
  readonly includeUsage: boolean
  /** Names the reader: the same whenever it comes back. */
  readonly run: string
  readonly createdSeconds: number
  /** Events the client has had before. */
  readonly from?: number
}

export interface RelayInput extends RelayReader {
  readonly source: AnswerSource
}

/** A stream, whose answer may be yet to come. */
export interface StreamJob {
  readonly reader: RelayReader
  readonly requestId: string
  readonly answer: Promise<Result<AnswerSource, GatewayError>>
  /** Whether the stream begins without waiting for the answer. */
  readonly isEarly: boolean
  /** Called when the client has left: nobody waits for an answer any more. */
  readonly onLeave: () => void
  readonly along?: ReadAlong
  /** Called exactly once, whatever happens. */
  readonly onEnd: (end: StreamEnd) => void
}

/** The reader that a request is. */
export function readerOf({ surface, generation, run, receivedAtMs }: Fingerprinted): RelayReader {
  const { model, includeUsage } = generation
  return { surface, model, includeUsage, run, createdSeconds: Math.floor(receivedAtMs / 1000) }
}

/** An OpenAI-shaped id for one answer, as unguessable as a request id. */
function idOf({ surface, run }: RelayReader): string {
  return `${surface === 'chat' ? 'chatcmpl' : 'cmpl'}-${run}`
}

/** Streams the answer. Whatever fails, fails in-band: the status is on its way. */
export function streamAnswer(job: StreamJob, edge: Edge): ReadableStream<Uint8Array> {
  return keptAlive(answerEvents(job, edge), {
    keepAliveMs: edge.mesh.config.limits.keep_alive_ms,
    beginsWithComment: job.isEarly,
    runtime: edge.runtime,
  })
}

function answerEvents(job: StreamJob, edge: Edge): EventSource {
  const { reader, requestId, answer, along, onLeave, onEnd } = job
  const { from = 0 } = reader
  const renderer = createRenderer({ ...reader, id: idOf(reader) })
  let source: AnswerSource | undefined
  let usage: Usage | undefined
  let pools: readonly string[] | undefined
  let hasEnded = false

  function end(how: StreamEnd): void {
    if (!hasEnded) onEnd(how)
    hasEnded = true
  }

  function relayEnd(outcome: AnswerOutcome): RelayEnd {
    return { outcome, ...(usage && { usage }), ...(pools && { pools }) }
  }

  /** A cut answer never looks like a whole one: the error first, then the end that SDKs wait for. */
  function fail(text: string, error: GatewayError, outcome?: AnswerOutcome): EventStep {
    end({ error: error.reason, ...(outcome && { end: relayEnd(outcome) }) })
    return { text: text + renderer.error(toWire(error).body) + renderer.done(), isLast: true }
  }

  async function begin(): Promise<EventStep> {
    const begun = await answer
    if (!begun.ok) return fail('', begun.error)
    source = begun.value
    return read(source)
  }

  async function read(begun: AnswerSource): Promise<EventStep> {
    for (;;) {
      const step = await begun.next()
      usage = step.usage ?? usage
      pools = step.pools ?? pools
      let text = ''
      for (const members of step.members) {
        text += renderer.frame({ members })
        along?.add(members)
      }
      if (step.outcome === undefined) {
        if (text === '' && !hasEnded) continue
        return { text, isLast: false }
      }
      await along?.end(relayEnd(step.outcome))
      if (step.outcome !== 'completed') return fail(text, FAILURES[step.outcome], step.outcome)
      end({ end: relayEnd(step.outcome) })
      return { text: text + ending(step), isLast: true }
    }
  }

  /** What comes after the last frame, less what the client has had of it. */
  function ending({ events = from }: AnswerStep): string {
    const last = [usage === undefined ? '' : renderer.usage(usage), renderer.done()]
    return last
      .filter((text) => text !== '')
      .slice(Math.max(0, from - events))
      .join('')
  }

  return {
    async next() {
      try {
        return await (source === undefined ? begin() : read(source))
      } catch (error) {
        // Too late for the error boundary.
        logInternalError(error, requestId, edge.runtime)
        return fail('', { reason: 'internal_error' })
      }
    },
    cancel() {
      if (!hasEnded) void along?.end(relayEnd('client_cancelled'))
      // First, so that it is known what the pool was used for when the end is recorded.
      onLeave()
      end({ end: relayEnd('client_cancelled') })
      // It may begin all the same, if it was about to.
      answer.then((begun) => begun.ok && begun.value.cancel()).catch(() => undefined)
    },
  }
}

/** An answer that is whole. */
export interface Folded {
  readonly end: RelayEnd
  readonly json: string
  /** Characters of its frames, as logs count them. */
  readonly size: number
}

/**
 * Folds the answer into one JSON text, or into the error it ended with. `facts` are added to the JSON, for who asks what
 * became of a run.
 */
export async function foldAnswer(
  input: RelayInput,
  { factsOf, along }: { factsOf?: (end: RelayEnd) => object; along?: Pick<ReadAlong, 'add'> } = {},
): Promise<Folded | { readonly end: RelayEnd; readonly error: GatewayError }> {
  const { source, surface, model, createdSeconds } = input
  const fold = createFold(surface)
  let usage: Usage | undefined
  let size = 0
  for (;;) {
    const step = await source.next()
    usage = step.usage ?? usage
    for (const members of step.members) {
      fold.add({ members })
      along?.add(members)
      size += members.length
    }
    if (step.outcome === undefined) continue
    const end = { outcome: step.outcome, ...(usage && { usage }), ...(step.pools && { pools: step.pools }) }
    if (step.outcome !== 'completed') return { end, error: FAILURES[step.outcome] }
    const json = fold.answer({ id: idOf(input), model, createdSeconds, ...(usage && { usage }) })
    const facts = factsOf?.(end)
    const whole = facts === undefined ? json : `${json.slice(0, -1)},"mesh":${JSON.stringify(facts)}}`
    return { end, json: whole, size }
  }
}
