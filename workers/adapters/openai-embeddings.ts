/** Builds the call for vectors that every OpenAI-compatible pool takes; a dialect adds its own members. */
import type { EmbeddingsDialect, EmbeddingsRequestInput, PoolRequest } from './adapter.ts'

/**
 * Always a list, and always in base64, which takes half of the bytes of floats and none of the parsing. A pool that
 * does not know the encoding answers floats, which are read as well.
 */
export function buildOpenAIEmbeddings(
  { inputs, params, servedModel }: EmbeddingsRequestInput,
  own: object = {},
): PoolRequest {
  const body = { ...params, ...own, model: servedModel, input: inputs, encoding_format: 'base64' }
  return { path: 'embeddings', body: JSON.stringify(body) }
}

/** Of servers that make none: they take no field, so that they are asked for nothing. */
export const NO_EMBEDDINGS: EmbeddingsDialect = {
  fields: new Set(),
  buildRequest: (input) => buildOpenAIEmbeddings(input),
}
