/** The plain reference: one deterministic answer, token by token, and what each limit makes of it. */

export interface Story {
  /**
   * The texts of its tokens, before the one that ends it. A text may be empty: bytes of a character that the next tokens
   * complete. What comes next is a function of the text so far, so that empty ones are made again by whoever goes on.
   */
  readonly tokens: readonly string[]
  /** The most tokens that fit into the model, the last one included. */
  readonly context: number
}

export interface Expected {
  readonly text: string
  readonly finish: 'stop' | 'length'
  /** The token that ends it is one too, as vLLM and llama.cpp count. */
  readonly tokens: number
}

/** The uninterrupted answer under a limit. */
export function expectedOf({ tokens, context }: Story, limit: number | undefined): Expected {
  const bound = Math.min(limit ?? Infinity, context)
  if (tokens.length < bound) return { text: tokens.join(''), finish: 'stop', tokens: tokens.length + 1 }
  return { text: tokens.slice(0, bound).join(''), finish: 'length', tokens: bound }
}

/** How many tokens make this text, without those that do not show. @throws on a text that is not a beginning of it */
export function tokensOf({ tokens }: Story, text: string): number {
  for (let count = 0; count <= tokens.length; count += 1) {
    if (tokens.slice(0, count).join('') === text) return count
  }
  throw new Error('not a beginning of the story')
}
