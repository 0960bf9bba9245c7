/** What a request may cost at the most and at the least, before anything is known of it but its size. */
import { UNKNOWN_OUTPUT_TOKENS } from '../ledger/output-sizes.ts'
import { tokensIn } from '../pool/token-ratio.ts'
import type { Limits, Model } from '../schema/mesh.ts'

/** The longest tokens of common vocabularies are runs of 128 blanks; no text has fewer tokens than this says. */
const MAX_BYTES_PER_TOKEN = 128

export interface TokenEstimate {
  readonly promptTokens: number
  readonly outputTokens: number
}

/**
 * Tokens to reserve: the typical prompt for the body's size, and the most output that the client allows; where it says nothing,
 * what answers of the model usually stay within.
 */
export function estimateTokens(
  bodyBytes: number,
  tokenLimit: number | undefined,
  model: Model,
  limits: Limits,
  usualOutput = UNKNOWN_OUTPUT_TOKENS,
): TokenEstimate {
  const promptTokens = tokensIn(bodyBytes, undefined)
  const room = Math.max(1, model.context_length - promptTokens)
  const outputTokens = tokenLimit ?? Math.min(room, usualOutput)
  return { promptTokens, outputTokens: Math.min(outputTokens, limits.max_output_tokens) }
}

/** Whether the prompt cannot fit into the model's context however it is tokenized. */
export function isClearlyTooLong(bodyBytes: number, model: Model): boolean {
  return bodyBytes / MAX_BYTES_PER_TOKEN > model.context_length
}
