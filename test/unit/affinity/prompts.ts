/** Prompts for the affinity tests. */
import fc from 'fast-check'
import type { Anchors, PromptParts } from '../../../shared/affinity/anchors.ts'
import { anchorsOf } from '../../../shared/affinity/anchors.ts'

export interface Message {
  readonly role: string
  readonly content: string
}

export function chat(
  messages: readonly unknown[],
  rest: Readonly<Record<string, unknown>> = {},
): PromptParts {
  return { surface: 'chat', body: { messages, ...rest } }
}

export function completion(prompt: unknown): PromptParts {
  return { surface: 'completions', body: { prompt } }
}

/** A chat of one message by the user. */
export function says(content: unknown): PromptParts {
  return chat([{ role: 'user', content }])
}

/** Text of so many bytes that looks like none of another `from`. */
export function text(bytes: number, from = 0): string {
  const words = Array.from(
    { length: Math.ceil(bytes / 8) },
    (_, at) => String(from + at).padStart(7, '.') + ' ',
  )
  return words.join('').slice(0, bytes)
}

export function ids(anchors: Anchors): readonly number[] {
  return anchors.list.map(({ id }) => id)
}

/** Ids under a seed of the tests' own. */
export function idsOf(prompt: PromptParts, seed = 'a secret'): readonly number[] {
  return ids(anchorsOf(prompt, seed))
}

/** Conversations of up to twenty messages, most of them long enough to have anchors. */
export const conversation: fc.Arbitrary<Message[]> = fc.array(
  fc.record({
    role: fc.constantFrom('system', 'user', 'assistant'),
    content: fc
      .tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.nat(60))
      .map(([some, times]) => some.repeat(times)),
  }),
  { minLength: 1, maxLength: 20 },
)
