/** What an embeddings request is answered with, once every vector of it is here. */
import type { AnswerFacts } from '../../shared/log/answer-facts.ts'
import type { InputsNamed, ItemEntries } from './contexts.ts'
import type { Making } from './make-vectors.ts'

export interface VectorsAnswer {
  readonly context: InputsNamed
  readonly outcome: Extract<AnswerFacts['outcome'], 'hit' | 'miss' | 'refresh' | 'bypass'>
  /** Items that nobody had to make. */
  readonly known: ItemEntries
  /** Absent where all were known. */
  readonly making?: Making
}

/** Of the request: what each input cost where it was embedded; undefined where one of the pools did not say. */
export function promptTokensOf({ context, known, making }: VectorsAnswer): number | undefined {
  let promptTokens = 0
  for (const number of context.batch.itemOf) {
    const entry = known.get(number) ?? making?.entries.get(number)
    if (entry?.promptTokens === undefined) return undefined
    promptTokens += entry.promptTokens
  }
  return promptTokens
}

/** Pools that made the vectors, whenever that was, each once. */
export function poolsOf({ known, making }: VectorsAnswer): readonly string[] {
  const made = [...known.values(), ...(making?.entries.values() ?? [])]
  return [...new Set(made.map(({ pool }) => pool))]
}
