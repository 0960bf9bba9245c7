/**
 * What a pool is expected to cost one request, in milliseconds, part by part:
 *
 *   time to first token = round trip + intercept + queue + uncached prompt tokens × time per token
 *
 * and, beside it, what speaks against a pool without delaying the first token: slow decoding, and its price. Every
 * system that measures converged on such a sum in physical units (GORGO, Mooncake, llm-d, Dynamo); weights that are
 * fitted freely do not transfer between workloads, and learn to send everything to the nearest pool.
 */
import { bestLevelMs, levelMs, UNKNOWN_RATE_MS_PER_TOKEN } from '../pool/prefill-fit.ts'
import { isFirstImpression } from '../pool/prefill-samples.ts'
import { roundTripMs } from '../pool/round-trip.ts'
import type { PoolState } from '../pool/snapshot.ts'
import type { Pool } from '../schema/mesh.ts'
import { expectQueue } from './queue.ts'

export interface EstimateParts {
  /** Tokens of the prompt, as estimated. */
  readonly promptTokens: number
  /** Those of them that the pool is believed to have cached. */
  readonly warmTokens: number
  readonly rttMs: number
  /** What a pool needs besides, whatever the prompt. */
  readonly interceptMs: number
  readonly queueMs: number
  readonly msPerToken: number
  /** Slower decoding than the quickest candidate's, weighed. */
  readonly guardMs: number
  /** What it costs, weighed. */
  readonly priceMs: number
  /** The share of its places that is taken. */
  readonly load: number
  /** How far the last predictions were off. */
  readonly noiseMs: number
  /** What it might cost, if what was measured of it no longer holds: as well as it once was. */
  readonly optimisticMs: number
}

export interface RequestSize {
  readonly promptTokens: number
  /** Tokens to generate, as far as that can be expected. */
  readonly outputTokens: number
}

export interface EstimateInput {
  readonly pool: Pool
  readonly state: PoolState
  readonly size: RequestSize
  readonly warmTokens: number
  /** Least possible round trip, from the configured coordinates. */
  readonly priorMs: number
  /** Time per generated token of the quickest candidate; 0 where none is known. */
  readonly quickestMsPerToken: number
  /** Milliseconds that a US cent is worth. */
  readonly msPerCent: number
  readonly nowMs: number
}

/** Decoding counts a tenth of what it takes longer: enough that end-to-end time is not traded away for a first token. */
const GUARD_WEIGHT = 0.1
/**
 * Equal pools differ by so much with their load, and tell of it a whole answer late: who follows that goes back and forth
 * (in simulation the busiest of four equal pools had 1.7 times the mean without it).
 */
const USUAL_PACE_SPREAD = 1.5
/** What a pool that nobody measured is allowed to be off. */
const UNKNOWN_NOISE_MS = 10
const TOKENS_PER_PRICE = 1_000_000
const CENTS_PER_DOLLAR = 100

/** Milliseconds to the first token. */
export function ttftMs(parts: Omit<EstimateParts, 'optimisticMs'>): number {
  const { rttMs, interceptMs, queueMs } = parts
  return rttMs + interceptMs + queueMs + uncachedTokens(parts) * parts.msPerToken
}

/** What candidates are ranked by, milliseconds. */
export function scoreMs(parts: Omit<EstimateParts, 'optimisticMs'>): number {
  return ttftMs(parts) + parts.guardMs + parts.priceMs
}

export function uncachedTokens({
  promptTokens,
  warmTokens,
}: Pick<EstimateParts, 'promptTokens' | 'warmTokens'>): number {
  return Math.max(0, promptTokens - warmTokens)
}

export function estimateParts(input: EstimateInput): EstimateParts {
  const { pool, state, size, warmTokens, priorMs, nowMs } = input
  const { prefill, roundTrip, decode } = state.measures
  const levelNowMs = (prefill && levelMs(prefill)) ?? priorMs
  const msPerToken = prefill?.msPerToken ?? UNKNOWN_RATE_MS_PER_TOKEN
  const rttMs = roundTripMs(roundTrip, priorMs, levelNowMs)
  const { queueMs, load } = expectQueue({
    state,
    capacity: pool.capacity,
    msPerToken,
    waitingExpectedMs: levelNowMs + state.waitingTokens * msPerToken,
    nowMs,
  })
  const isProven = prefill !== undefined && !isFirstImpression(prefill.samples)
  const bestMs = Math.min(levelNowMs, (isProven ? bestLevelMs(prefill) : undefined) ?? priorMs)
  const parts = {
    promptTokens: size.promptTokens,
    warmTokens,
    rttMs,
    interceptMs: levelNowMs - rttMs,
    queueMs,
    msPerToken,
    guardMs: guardMs(decode?.msPerToken, input),
    priceMs: priceCents(input) * input.msPerCent,
    load,
    noiseMs: prefill?.noiseMs ?? UNKNOWN_NOISE_MS,
  }
  // A pool that was slow was slow at decoding, too.
  return { ...parts, optimisticMs: scoreMs(parts) - parts.guardMs - levelNowMs + bestMs }
}

/** Unknown decoding counts as the quickest: who was not measured is given the benefit of the doubt. */
function guardMs(msPerToken: number | undefined, { size, quickestMsPerToken }: EstimateInput): number {
  if (msPerToken === undefined) return 0
  return GUARD_WEIGHT * size.outputTokens * Math.max(0, msPerToken - USUAL_PACE_SPREAD * quickestMsPerToken)
}

function priceCents({ pool, size, warmTokens }: EstimateInput): number {
  const { prompt, cached_prompt: cached, completion } = pool.price
  const uncached = uncachedTokens({ promptTokens: size.promptTokens, warmTokens })
  const dollars = uncached * prompt + warmTokens * cached + size.outputTokens * completion
  return (dollars / TOKENS_PER_PRICE) * CENTS_PER_DOLLAR
}
