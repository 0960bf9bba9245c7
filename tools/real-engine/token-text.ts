/** Turns tokens into text one by one, and never gives a part of a character: a token can be a single byte of one. */

/** Text of a few tokens that follow others; what is not valid UTF-8 becomes U+FFFD. */
export type Detokenize = (tokens: readonly number[]) => string

export interface TokenText {
  /** The text that is certain now, possibly none. */
  push(token: number): string
}

/** What decoders put for a sequence of bytes that is not, or not yet, a character. */
const REPLACEMENT = '\uFFFD'
/** A character has four bytes at most, so one that is not complete has begun within the last three tokens. */
const MAX_OPEN_TOKENS = 3

/**
 * Text that ends in an incomplete character is held back to there. If it never becomes one, it is given as U+FFFD with the
 * next token; at the end of an answer it is not given at all, so that a continuation can begin where the text ends.
 */
export function createTokenText(detokenize: Detokenize): TokenText {
  /** The tokens whose last character is open, and how much of their text was given. */
  let open: readonly number[] = []
  let given = 0

  return {
    push(token) {
      open = [...open, token]
      const text = detokenize(open)
      const isOpen = text.endsWith(REPLACEMENT)
      const certain = isOpen ? text.length - REPLACEMENT.length : text.length
      const fresh = text.slice(given, certain)
      if (!isOpen) {
        open = []
        given = 0
        return fresh
      }
      const kept = open.slice(-MAX_OPEN_TOKENS)
      const forgotten = kept.length === open.length ? 0 : text.length - detokenize(kept).length
      open = kept
      given = Math.max(0, certain - forgotten)
      return fresh
    },
  }
}
