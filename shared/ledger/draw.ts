/**
 * The ledger's decision on a slice: how much of what an account may have an isolate gets to give out by itself for a few
 * seconds. A slice is a small share of what is there, so that one isolate cannot keep the rest from the others; where the share
 * is less than one request needs, it is that one request, and the isolate asks each time.
 *
 * The bound. A slice is granted while anything of the budget is neither spent nor in a slice, and is larger than what is left
 * by less than one request's reservation R. So with a budget of B, at any time
 *
 *     spent + in slices < B + R,   and   spent < B + R + E
 *
 * where E is what requests that settle after the last slice was granted cost beyond their reservations: 0 where the client
 * limits its output and the prompt was not underestimated.
 */
import { NOTHING, type Amounts } from './amounts.ts'
import { untilNextMs } from './period.ts'
import type { Terms } from './terms.ts'
import { refilled, taken, waitMs, type Bucket } from './token-bucket.ts'

/** What the ledger knows of an account. */
export interface AccountState {
  /** In the budget's current period. */
  readonly spent: Pick<Amounts, 'microdollars' | 'tokens'>
  /** Granted in slices, and neither settled nor given back. */
  readonly outstanding: Amounts
  readonly requests: Bucket
  readonly tokens: Bucket
}

export interface Ask {
  /** Of the request that asks. */
  readonly need: Amounts
  /** What would last the isolate for a while. */
  readonly want: Amounts
}

export interface Refusal {
  readonly limit: 'requests' | 'tokens' | 'concurrent' | 'budget' | 'reserved'
  /** When asking again can help; Infinity: not before somebody changes the config. */
  readonly waitMs: number
}

export interface Levels {
  /** What is left of the minute's requests and tokens, in nobody's slice. */
  readonly requests?: number
  readonly tokens?: number
}

export type Draw =
  | {
      readonly kind: 'granted'
      readonly granted: Amounts
      readonly requests: Bucket
      readonly tokens: Bucket
      readonly levels: Levels
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly levels: Levels }

/** The share of what is there that one slice may be. */
export const SLICE_SHARE = 16
/** Held by requests in flight, or by a slice: either is over within seconds. */
const RESERVED_WAIT_MS = 1000

/** A dimension that the terms do not limit is granted as wanted, and not counted. */
export function decideDraw(terms: Terms, state: AccountState, { need, want }: Ask, nowMs: number): Draw {
  const { requestsPerMinute: rpm, tokensPerMinute: tpm, concurrent, budget } = terms
  const requests = rpm === undefined ? state.requests : refilled(state.requests, rpm, nowMs)
  const tokens = tpm === undefined ? state.tokens : refilled(state.tokens, tpm, nowMs)
  const free = freeOf(terms, state, { requests, tokens })
  const refusal = refusalOf(terms, state, { requests, tokens }, need, free, nowMs)
  if (refusal !== undefined) return { kind: 'refused', refusal, levels: levelsOf(terms, requests, tokens) }

  const granted: Amounts = {
    microdollars: budget?.microdollars === undefined ? want.microdollars : share('microdollars'),
    tokens: tpm === undefined && budget?.tokens === undefined ? want.tokens : share('tokens'),
    requests: rpm === undefined ? want.requests : share('requests'),
    places: concurrent === undefined ? want.places : share('places'),
  }
  const left = {
    requests: rpm === undefined ? requests : taken(requests, granted.requests, rpm),
    tokens: tpm === undefined ? tokens : taken(tokens, granted.tokens, tpm),
  }
  return { kind: 'granted', granted, ...left, levels: levelsOf(terms, left.requests, left.tokens) }

  function share(dimension: keyof Amounts): number {
    const most = Math.floor(free[dimension] / SLICE_SHARE)
    return Math.max(need[dimension], Math.min(want[dimension], most))
  }
}

/** A state in which nothing has happened yet. */
export function freshState(terms: Terms, nowMs: number): AccountState {
  return {
    spent: { microdollars: 0, tokens: 0 },
    outstanding: NOTHING,
    requests: { level: terms.requestsPerMinute ?? 0, atMs: nowMs },
    tokens: { level: terms.tokensPerMinute ?? 0, atMs: nowMs },
  }
}

interface Buckets {
  readonly requests: Bucket
  readonly tokens: Bucket
}

function freeOf(terms: Terms, { spent, outstanding }: AccountState, buckets: Buckets): Amounts {
  const { budget } = terms
  const ofBudget = (budget?.tokens ?? Infinity) - spent.tokens - outstanding.tokens
  const ofMinute = terms.tokensPerMinute === undefined ? Infinity : buckets.tokens.level
  return {
    microdollars: (budget?.microdollars ?? Infinity) - spent.microdollars - outstanding.microdollars,
    tokens: Math.min(ofBudget, ofMinute),
    requests: terms.requestsPerMinute === undefined ? Infinity : buckets.requests.level,
    places: (terms.concurrent ?? Infinity) - outstanding.places,
  }
}

function refusalOf(
  terms: Terms,
  state: AccountState,
  buckets: Buckets,
  need: Amounts,
  free: Amounts,
  nowMs: number,
): Refusal | undefined {
  const { requestsPerMinute: rpm, tokensPerMinute: tpm, concurrent, budget } = terms
  const { spent, outstanding } = state
  if (budget !== undefined) {
    const isSpent =
      spent.microdollars >= (budget.microdollars ?? Infinity) || spent.tokens >= (budget.tokens ?? Infinity)
    if (isSpent) return { limit: 'budget', waitMs: untilNextMs(budget.period, nowMs) ?? Infinity }
    const ofTokens = (budget.tokens ?? Infinity) - spent.tokens - outstanding.tokens
    // Not spent, but promised: some of it may come back.
    if (free.microdollars <= 0 || ofTokens <= 0) return { limit: 'reserved', waitMs: RESERVED_WAIT_MS }
  }
  if (concurrent === 0) return { limit: 'concurrent', waitMs: Infinity }
  if (rpm !== undefined) {
    const wait = waitMs(buckets.requests, need.requests, rpm)
    if (wait > 0) return { limit: 'requests', waitMs: wait }
  }
  if (tpm !== undefined) {
    const wait = waitMs(buckets.tokens, need.tokens, tpm)
    if (wait > 0) return { limit: 'tokens', waitMs: wait }
  }
  return free.places < need.places ? { limit: 'concurrent', waitMs: RESERVED_WAIT_MS } : undefined
}

function levelsOf(terms: Terms, requests: Bucket, tokens: Bucket): Levels {
  return {
    ...(terms.requestsPerMinute === undefined ? {} : { requests: Math.max(0, Math.floor(requests.level)) }),
    ...(terms.tokensPerMinute === undefined ? {} : { tokens: Math.max(0, Math.floor(tokens.level)) }),
  }
}
