/**
 * A ranking in full, as plain JSON: for whoever asks why a pool was chosen, and for the record of a decision, from which the
 * pick can be computed again. Names are as on the wire (snake_case); times are milliseconds.
 */
import type { Candidate, Decision, Ranking } from './rank.ts'
import { pick } from './pick.ts'
import { scoreMs, ttftMs, uncachedTokens } from './estimate.ts'

export interface DescribedCandidate {
  readonly pool: string
  readonly region: string
  readonly estimate_ms: number
  readonly score_ms: number
  readonly measured: boolean
  /** The policy prefers it: while it can serve, those without this do not. */
  readonly preferred?: true
  /** It is only ranked because no other is left. */
  readonly last_resort?: true
  readonly parts: {
    readonly rtt_ms: number
    readonly intercept_ms: number
    readonly queue_ms: number
    readonly prefill_ms: number
    readonly guard_ms: number
    readonly price_ms: number
  }
  readonly prompt_tokens: number
  readonly warm_tokens: number
  readonly ms_per_token: number
  readonly load: number
  readonly noise_ms: number
}

export interface DescribedRanking {
  /** Why the first is the first; absent when there is none. */
  readonly reason?: string
  readonly draw?: number
  readonly hashed?: readonly string[]
  readonly look?: { readonly pool: string; readonly kind: string }
  readonly candidates: readonly DescribedCandidate[]
  readonly rejected: readonly { readonly pool: string; readonly reason: string }[]
  readonly retry_after_ms?: number
}

export function describeRanking({ ranked, rejected, decision, retryAfterMs }: Ranking): DescribedRanking {
  return {
    ...(decision === undefined ? {} : decision),
    candidates: ranked.map(describeCandidate),
    rejected,
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  }
}

function describeCandidate(candidate: Candidate): DescribedCandidate {
  const { placed, measured, lastResort, parts } = candidate
  return {
    pool: placed.pool.id,
    region: placed.region.id,
    estimate_ms: ttftMs(parts),
    score_ms: scoreMs(parts),
    measured,
    ...(placed.isPreferred ? { preferred: true } : {}),
    ...(lastResort ? { last_resort: true } : {}),
    parts: {
      rtt_ms: parts.rttMs,
      intercept_ms: parts.interceptMs,
      queue_ms: parts.queueMs,
      prefill_ms: uncachedTokens(parts) * parts.msPerToken,
      guard_ms: parts.guardMs,
      price_ms: parts.priceMs,
    },
    prompt_tokens: parts.promptTokens,
    warm_tokens: parts.warmTokens,
    ms_per_token: parts.msPerToken,
    load: parts.load,
    noise_ms: parts.noiseMs,
  }
}

/** Computes the pick again from a description alone: sums up the parts and picks as it was picked then. */
export function repick(
  described: DescribedRanking,
): { readonly pool: string; readonly reason: Decision['reason'] } | undefined {
  const { draw = 0, hashed = [], look } = described
  const preferred = described.candidates.filter(({ preferred: is }) => is === true)
  const considered = preferred.length === 0 ? described.candidates : preferred
  const candidates = considered.map(({ pool, parts, ...rest }) => ({
    pool,
    scoreMs:
      parts.rtt_ms + parts.intercept_ms + parts.queue_ms + parts.prefill_ms + parts.guard_ms + parts.price_ms,
    warmTokens: rest.warm_tokens,
    msPerToken: rest.ms_per_token,
    load: rest.load,
    noiseMs: rest.noise_ms,
  }))
  if (described.candidates[0]?.last_resort === true) {
    const [cheapest] = candidates.toSorted((a, b) => a.scoreMs - b.scoreMs)
    return cheapest && { pool: cheapest.pool, reason: 'last_resort' }
  }
  return pick({ candidates, hashed, draw, ...(look === undefined ? {} : { look: look.pool }) })
}
