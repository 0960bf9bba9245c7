/**
 * Ranks the pools of a placement by the time to first token to expect from here: filter → score → rank.
 *
 * Optimism under uncertainty decides who is tried: the prior of a pool that nobody measured is the least its
 * distance allows, so it is tried as soon as it could be better than the best measured one, and from then on
 * measurement decides. What was measured and is no longer used is looked at again by a small share of requests,
 * which also bounds what looking costs when traffic is thin.
 */
import { retryAfterMs as breakerRetryAfterMs } from '../pool/circuit-breaker.ts'
import { MIN_LATENCY_MS, estimate } from '../pool/peak-ewma.ts'
import { saturatedUntilMs } from '../pool/saturation.ts'
import type { PoolState } from '../pool/snapshot.ts'
import { UNKNOWN_POOL } from '../pool/snapshot.ts'
import type { PlacedPool, Placement } from '../residency/place.ts'
import type { Region } from '../schema/mesh.ts'
import { optimisticRttMs } from './distance.ts'
import type { FilterContext, FilterSubject, RejectReason } from './filters.ts'
import { rejectReason } from './filters.ts'

export interface RankInput extends FilterContext {
  readonly placement: Placement
  /** Where the request will be dispatched from: the edge's region, or the home's on the shared path. */
  readonly origin: Region
  /** What this observer knows, by pool id; a pool that is missing is unknown. */
  readonly states: ReadonlyMap<string, PoolState>
  /** Uniform in [0, 1). */
  readonly rng: () => number
}

export interface Candidate {
  readonly placed: PlacedPool
  /** Expected time to first token, milliseconds. */
  readonly estimateMs: number
  /** Whether the estimate rests on a measurement. */
  readonly measured: boolean
  /** Its breaker is open, but it still answers, and no other pool is left. */
  readonly lastResort: boolean
  readonly parts: EstimateParts
}

export interface EstimateParts {
  /** Least possible round trip, from the configured coordinates. */
  readonly priorMs: number
  /** Measured cost, or the prior, and at least as long as the pool now keeps others waiting. */
  readonly baseMs: number
  /** 1 + own pending requests / capacity. */
  readonly queueFactor: number
}

export interface Rejection {
  readonly pool: string
  readonly reason: RejectReason
}

export interface Ranking {
  /** Best first. */
  readonly ranked: readonly Candidate[]
  readonly rejected: readonly Rejection[]
  /** When nothing is ranked, but waiting may help: milliseconds until the first pool may take requests again. */
  readonly retryAfterMs?: number
}

interface Judged extends FilterSubject {
  readonly reason: RejectReason | undefined
}

/** How much a request may bet on what is not known. */
type Exploration = 'none' | 'stale' | 'unmeasured'

/** Requests that see stale measurements faded, and so try again a pool that used to be slow. */
const STALE_SHARE = 0.05
/** Requests, of those, that doubt the priors too, in case the configured coordinates are wrong. */
const UNMEASURED_SHARE = 0.01

/** Never returns a pool outside the placement; with every pool rejected, says when to come back. */
export function rankPools(input: RankInput): Ranking {
  const subjects = input.placement.pools.map((placed) => judge(placed, input))
  const eligible = subjects.filter(({ reason }) => reason === undefined)
  const chosen = eligible.length > 0 ? eligible : subjects.filter(isLastResort)
  const rejected = subjects.flatMap((subject) =>
    subject.reason === undefined || chosen.includes(subject)
      ? []
      : [{ pool: subject.placed.pool.id, reason: subject.reason }],
  )
  const exploration = explorationOf(input.rng())
  const ranked = chosen
    .map((subject) => ({ candidate: score(subject, input, exploration), tieBreak: input.rng() }))
    .toSorted((a, b) => a.candidate.estimateMs - b.candidate.estimateMs || a.tieBreak - b.tieBreak)
    .map(({ candidate }) => candidate)
  const retryAfterMs = ranked.length === 0 ? earliestReturnMs(subjects, input) : undefined
  return { ranked, rejected, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

function judge(placed: PlacedPool, input: RankInput): Judged {
  const subject = { placed, state: input.states.get(placed.pool.id) ?? UNKNOWN_POOL }
  return { ...subject, reason: rejectReason(subject, input) }
}

/** Ejecting a pool must not refuse what it would, some of the time, still serve. */
function isLastResort({ reason, state }: Judged): boolean {
  return reason === 'breaker_open' && state.breaker.kind !== 'closed' && state.breaker.answers
}

function explorationOf(draw: number): Exploration {
  if (draw < UNMEASURED_SHARE) return 'unmeasured'
  return draw < STALE_SHARE ? 'stale' : 'none'
}

function score({ placed, state, reason }: Judged, input: RankInput, exploration: Exploration): Candidate {
  const { latency, waitingSinceMs } = state
  const priorMs = optimisticRttMs(input.origin, placed.region)
  // A pool that has given nobody a first token for this long will hardly be quicker now.
  const waitedMs = waitingSinceMs === undefined ? 0 : input.nowMs - waitingSinceMs
  const baseMs = Math.max(expectedMs(state, priorMs, input.nowMs, exploration), waitedMs)
  const queueFactor = 1 + state.pending / placed.pool.capacity
  return {
    placed,
    estimateMs: baseMs * queueFactor,
    measured: latency !== undefined,
    lastResort: reason !== undefined,
    parts: { priorMs, baseMs, queueFactor },
  }
}

function expectedMs(state: PoolState, priorMs: number, nowMs: number, exploration: Exploration): number {
  const { latency, lastDispatchAtMs } = state
  if (latency === undefined) {
    // One look at a time: while somebody waits for a first answer, the others trust the prior.
    return exploration === 'unmeasured' && state.waiting === 0 ? MIN_LATENCY_MS : priorMs
  }
  return exploration === 'none' ? latency.costMs : estimate(latency, priorMs, nowMs, lastDispatchAtMs)
}

function earliestReturnMs(subjects: readonly Judged[], { key, nowMs }: RankInput): number | undefined {
  const waits = subjects
    .filter(({ reason }) => reason === 'breaker_open' || reason === 'saturated')
    .map(({ state }) =>
      Math.max(
        breakerRetryAfterMs(state.breaker, nowMs),
        saturatedUntilMs(state.saturation, key, nowMs) - nowMs,
      ),
    )
  return waits.length === 0 ? undefined : Math.min(...waits)
}
