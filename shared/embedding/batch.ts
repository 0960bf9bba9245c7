/** The inputs of a request, each different one once: what is asked twice is looked up, sent and counted as one. */
import { canonicalize } from '../fingerprint/canonicalize.ts'
import type { EmbeddingInput } from '../schema/embeddings-request.ts'

export interface Batch {
  /** The different inputs, in the order in which they first come. */
  readonly items: readonly EmbeddingInput[]
  /** For each input of the request, its number among the items. */
  readonly itemOf: readonly number[]
}

export function batchOf(inputs: readonly EmbeddingInput[]): Batch {
  const numbers = new Map<string, number>()
  const items: EmbeddingInput[] = []
  const itemOf = inputs.map((input) => {
    const text = canonicalize(input)
    const known = numbers.get(text)
    if (known !== undefined) return known
    numbers.set(text, items.length)
    return items.push(input) - 1
  })
  return { items, itemOf }
}
