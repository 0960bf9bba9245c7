/**
 * Eleventh stage: turns an answer into the response, as a stream or folded into one JSON. A relay is the product's hot
 * loop: one write per step, however many frames it has, and nothing is parsed or serialised again.
 */
import { toWire, type GatewayError } from '../../shared/errors.ts'
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { Usage } from '../../shared/log/frame.ts'
import { createFold } from '../../shared/stream/fold.ts'
import { createRenderer } from '../../shared/stream/render.ts'
import type { Answered } from '../contexts.ts'
import type { Edge } from '../edge.ts'

/** How a relay ended, for the record. */
export interface RelayEnd {
  readonly outcome: AnswerOutcome
  readonly usage?: Usage
}

/** Why an answer that had begun did not end well. */
const FAILURES: Readonly<Record<Exclude<AnswerOutcome, 'completed'>, GatewayError>> = {
  truncated: { reason: 'stream_truncated' },
  upstream_error: { reason: 'pool_stream_error' },
  stalled: { reason: 'stream_stalled' },
  timed_out: { reason: 'total_timeout' },
  client_cancelled: { reason: 'client_cancelled' },
}

/** An OpenAI-shaped id for one answer, as unguessable as a request id. */
function identify(context: Answered, edge: Edge): { id: string; createdSeconds: number } {
  const prefix = context.surface === 'chat' ? 'chatcmpl' : 'cmpl'
  return {
    id: `${prefix}-${edge.runtime.randomHex(12)}`,
    createdSeconds: Math.floor(edge.runtime.now() / 1000),
  }
}

/** Streams the answer. `onEnd` is called exactly once, whatever happens. */
export function streamAnswer(
  context: Answered,
  edge: Edge,
  onEnd: (end: RelayEnd) => void,
): ReadableStream<Uint8Array> {
  const { source } = context.answer
  const encoder = new TextEncoder()
  const renderer = createRenderer({
    surface: context.surface,
    model: context.generation.model,
    includeUsage: context.generation.includeUsage,
    ...identify(context, edge),
  })
  let usage: Usage | undefined
  let hasEnded = false
  function end(outcome: AnswerOutcome): void {
    if (!hasEnded) onEnd({ outcome, ...(usage && { usage }) })
    hasEnded = true
  }

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        const step = await source.next()
        if (hasEnded) return
        usage = step.usage ?? usage
        let text = ''
        for (const members of step.members) text += renderer.frame({ members })
        if (step.outcome === undefined) {
          if (text === '') continue
          controller.enqueue(encoder.encode(text))
          return
        }
        // A cut answer never looks like a whole one: the error first, then the end that SDKs wait for.
        if (step.outcome !== 'completed') text += renderer.error(toWire(FAILURES[step.outcome]).body)
        else if (usage !== undefined) text += renderer.usage(usage)
        controller.enqueue(encoder.encode(text + renderer.done()))
        controller.close()
        end(step.outcome)
        return
      }
    },
    cancel() {
      end('client_cancelled')
      source.cancel()
    },
  })
}

/** Folds the answer into one JSON text, or into the error it ended with. */
export async function foldAnswer(
  context: Answered,
  edge: Edge,
): Promise<{ end: RelayEnd; json: string } | { end: RelayEnd; error: GatewayError }> {
  const { source } = context.answer
  const fold = createFold(context.surface)
  let usage: Usage | undefined
  for (;;) {
    const step = await source.next()
    usage = step.usage ?? usage
    for (const members of step.members) fold.add({ members })
    if (step.outcome === undefined) continue
    const end = { outcome: step.outcome, ...(usage && { usage }) }
    if (step.outcome !== 'completed') return { end, error: FAILURES[step.outcome] }
    const json = fold.answer({
      model: context.generation.model,
      ...identify(context, edge),
      ...(usage && { usage }),
    })
    return { end, json }
  }
}
