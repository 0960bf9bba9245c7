/** How large an input is, as far as it shows without a tokenizer. */
import type { EmbeddingInput } from '../schema/embeddings-request.ts'

/** Bytes of a text in UTF-8, or the number of token ids: within one request the inputs are all of one kind. */
export function inputBytes(input: EmbeddingInput): number {
  if (typeof input !== 'string') return input.length
  let bytes = input.length
  for (let index = 0; index < input.length; index += 1) {
    const code = input.charCodeAt(index)
    // Half of a surrogate pair counts two, so that a pair counts four.
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1
  }
  return bytes
}
