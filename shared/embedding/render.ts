/** Writes the answer to an embeddings request, piece by piece: a batch in floats can be too long for one text. */
import type { EmbeddingEncoding } from '../schema/embeddings-request.ts'
import { vectorJson, type Vector } from './vector.ts'

export interface EmbeddingsAnswer {
  /** One for each input, in their order. */
  readonly vectors: readonly Vector[]
  /** Absent where a pool did not say. */
  readonly promptTokens?: number
  /** The model as the client calls it. */
  readonly model: string
  readonly encoding: EmbeddingEncoding
}

/** Joined, the pieces are one JSON object. */
export function* renderEmbeddings(answer: EmbeddingsAnswer): Generator<string, void> {
  const { vectors, promptTokens, model, encoding } = answer
  yield '{"object":"list","data":['
  for (const [index, vector] of vectors.entries()) {
    const separator = index === 0 ? '' : ','
    yield `${separator}{"object":"embedding","index":${index},"embedding":${vectorJson(vector, encoding)}}`
  }
  yield `],"model":${JSON.stringify(model)}`
  // Nothing is generated, so that the total is the prompt's.
  if (promptTokens !== undefined) {
    yield `,"usage":${JSON.stringify({ prompt_tokens: promptTokens, total_tokens: promptTokens })}`
  }
  yield '}'
}
