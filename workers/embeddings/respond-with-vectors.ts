/** Turns vectors into the response: written as it is taken, so that a large batch in floats is never one text. */
import { renderEmbeddings } from '../../shared/embedding/render.ts'
import type { Edge } from '../edge.ts'
import { JSON_HEADERS } from '../response-headers.ts'
import { promptTokensOf, type VectorsAnswer } from './answer.ts'
import { vectorsHeaders } from './answer-headers.ts'

/** Several short vectors in one write; a long one is a write of its own. */
const WRITE_CHARACTERS = 64 * 1024

type Outcome = 'completed' | 'client_cancelled'

/** `onEnd` is called once, when all of it was taken, or the client has left. */
export function respondWithVectors(
  answer: VectorsAnswer,
  edge: Edge,
  onEnd: (outcome: Outcome) => void,
): Response {
  const { context, known, making } = answer
  const promptTokens = promptTokensOf(answer)
  const pieces = renderEmbeddings({
    vectors: context.batch.itemOf.map((number) => {
      const entry = known.get(number) ?? making?.entries.get(number)
      if (entry === undefined) throw new Error('an item of the batch has no vector')
      return entry.vector
    }),
    ...(promptTokens === undefined ? {} : { promptTokens }),
    model: context.embeddings.model,
    encoding: context.embeddings.encoding,
  })
  const end = once(context.request.signal, onEnd)
  return new Response(streamOf(pieces, end), {
    headers: { ...JSON_HEADERS, ...vectorsHeaders(answer, edge) },
  })
}

/** A client's leaving shows on its request while nothing was taken, and on the stream from then on. */
function once(signal: AbortSignal, onEnd: (outcome: Outcome) => void): (outcome: Outcome) => void {
  let isOver = false
  const leave = (): void => end('client_cancelled')
  function end(outcome: Outcome): void {
    if (isOver) return
    isOver = true
    signal.removeEventListener('abort', leave)
    onEnd(outcome)
  }
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  return end
}

function streamOf(
  pieces: Iterator<string, void>,
  end: (outcome: Outcome) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      let text = ''
      while (text.length < WRITE_CHARACTERS) {
        const { done, value } = pieces.next()
        if (done === true) {
          controller.enqueue(encoder.encode(text))
          controller.close()
          end('completed')
          return
        }
        text += value
      }
      controller.enqueue(encoder.encode(text))
    },
    cancel: () => end('client_cancelled'),
  })
}
