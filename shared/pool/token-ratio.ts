/**
 * Bytes per token of a model's prompts, learned from what its pools count, so that a prompt can be sized without a
 * tokenizer: bytes over tokens of about the last fifty prompts.
 */

export interface TokenRatio {
  readonly bytesPerToken: number
  readonly samples: number
  /** What the ratio is made of, older prompts weighing less. */
  readonly bytes: number
  readonly tokens: number
}

/** English text with the tokenizers of 2024 and later; OpenAI's rule of thumb. */
const UNKNOWN_BYTES_PER_TOKEN = 4
/** A token is a byte at least, and beyond 16 bytes each it is not text that was counted: an image, say. */
const MIN_BYTES_PER_TOKEN = 1
const MAX_BYTES_PER_TOKEN = 16
const REMEMBERED_SAMPLES = 50
/** Counts of short prompts are mostly of the chat template: they have to outweigh this many tokens at the prior's ratio. */
const PRIOR_TOKENS = 256
/** A prompt counts as if it were no longer than this, so that one does not speak for all. */
const MAX_COUNTED_TOKENS = 4096

const UNKNOWN_RATIO: TokenRatio = {
  bytesPerToken: UNKNOWN_BYTES_PER_TOKEN,
  samples: 0,
  bytes: PRIOR_TOKENS * UNKNOWN_BYTES_PER_TOKEN,
  tokens: PRIOR_TOKENS,
}

/** Folds in a prompt that a pool has counted. One that no tokenizer could have counted so changes nothing. */
export function observeRatio(
  ratio: TokenRatio | undefined,
  promptBytes: number,
  promptTokens: number,
): TokenRatio {
  const before = ratio ?? UNKNOWN_RATIO
  const seen = promptBytes / promptTokens
  if (!(promptTokens > 0 && seen >= MIN_BYTES_PER_TOKEN && seen <= MAX_BYTES_PER_TOKEN)) return before
  const counted = Math.min(promptTokens, MAX_COUNTED_TOKENS)
  const kept = 1 - 1 / REMEMBERED_SAMPLES
  const bytes = before.bytes * kept + counted * seen
  const tokens = before.tokens * kept + counted
  return { bytesPerToken: bytes / tokens, samples: before.samples + 1, bytes, tokens }
}

/** About how many tokens so many bytes of prompt are, rounded up. */
export function tokensIn(bytes: number, ratio: TokenRatio | undefined): number {
  return bytes > 0 ? Math.ceil(bytes / (ratio?.bytesPerToken ?? UNKNOWN_BYTES_PER_TOKEN)) : 0
}

/** The one that rests on more; an observer tells its region all it sees, so adding them up would count prompts twice. */
export function mergeRatios(own: TokenRatio, regions: TokenRatio): TokenRatio {
  if (own.samples !== regions.samples) return own.samples > regions.samples ? own : regions
  return own.bytesPerToken <= regions.bytesPerToken ? own : regions
}
