/**
 * Ranks the pools of a placement for one request: filter → score → pick. What is ranked, what is left out and why, the
 * parts of every estimate and what the pick went by are all in the result: it explains itself.
 *
 * Optimism under uncertainty decides who is tried: the prior of a pool that nobody measured is the least its distance
 * allows, so it is tried as soon as it could be better than the best measured one, and from then on measurement decides.
 */
import { retryAfterMs as breakerRetryAfterMs } from '../pool/circuit-breaker.ts'
import type { PrefillFit } from '../pool/prefill-fit.ts'
import { isFirstImpression } from '../pool/prefill-samples.ts'
import { saturatedUntilMs } from '../pool/saturation.ts'
import { UNKNOWN_POOL } from '../pool/snapshot.ts'
import type { PoolState } from '../pool/snapshot.ts'
import type { PlacedPool, Placement } from '../residency/place.ts'
import type { Region } from '../schema/mesh.ts'
import { optimisticRttMs } from './distance.ts'
import { estimateParts, scoreMs, ttftMs, uncachedTokens } from './estimate.ts'
import type { EstimateParts } from './estimate.ts'
import type { FilterContext, FilterSubject, RejectReason } from './filters.ts'
import { rejectReason } from './filters.ts'
import { addRequest, lookFor, takeLook } from './look.ts'
import type { Look, LookCredit, LookSubject } from './look.ts'
import { pick } from './pick.ts'
import type { PickReason, Scored } from './pick.ts'

export interface RankInput extends FilterContext {
  readonly placement: Placement
  /** Where the request will be dispatched from: the edge's region, or the home's on the shared path. */
  readonly origin: Region
  /** What this observer knows, by pool id; a pool that is missing is unknown. */
  readonly states: ReadonlyMap<string, PoolState>
  /** Prompt tokens that a pool is believed to have cached. */
  readonly warmTokens?: (pool: string) => number
  /** The two of these pools that requests with this beginning prefer; none where it has no beginning to speak of. */
  readonly hash?: (pools: readonly HashedPool[]) => readonly string[]
  readonly looks: LookCredit
  /** Milliseconds that a US cent is worth; 0 where price does not count. */
  readonly msPerCent: number
  /** Uniform in [0, 1). */
  readonly draw: number
}

export interface HashedPool {
  readonly id: string
  readonly capacity: number
}

export interface Candidate {
  readonly placed: PlacedPool
  /** Expected time to first token, milliseconds. */
  readonly estimateMs: number
  /** What it is ranked by: the estimate, and what else counts against it. */
  readonly scoreMs: number
  /** Whether the estimate rests on a measurement. */
  readonly measured: boolean
  /** Its breaker is open, but it still answers, and no other pool is left. */
  readonly lastResort: boolean
  readonly parts: EstimateParts
}

export interface Rejection {
  readonly pool: string
  readonly reason: RejectReason
}

/** Why the first of a ranking is the first. */
export interface Decision {
  readonly reason: PickReason | 'last_resort'
  readonly hashed: readonly string[]
  readonly look?: Look
  readonly draw: number
}

export interface Ranking {
  /** The pick, then the others, best first. */
  readonly ranked: readonly Candidate[]
  readonly rejected: readonly Rejection[]
  /** Absent when nothing is ranked. */
  readonly decision?: Decision
  /** What looking may still cost after this request. */
  readonly looks: LookCredit
  /** When nothing is ranked, but waiting may help: milliseconds until the first pool may take requests again. */
  readonly retryAfterMs?: number
}

interface Judged extends FilterSubject {
  readonly reason: RejectReason | undefined
}

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
  if (chosen.length === 0) {
    const retryAfterMs = earliestReturnMs(subjects, input)
    return {
      ranked: [],
      rejected,
      looks: input.looks,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }
  }
  const candidates = scoreAll(chosen, input)
  return { rejected, ...ordered(candidates, input) }
}

function ordered(
  candidates: readonly Candidate[],
  input: RankInput,
): { ranked: readonly Candidate[]; decision: Decision; looks: LookCredit } {
  const { draw } = input
  const byScore = candidates.toSorted((a, b) => a.scoreMs - b.scoreMs)
  if (byScore[0]?.lastResort === true) {
    return { ranked: byScore, decision: { reason: 'last_resort', hashed: [], draw }, looks: input.looks }
  }
  const considered = preferredOf(byScore)
  const hashed = input.hash?.(considered.map(({ placed }) => placed.pool)) ?? []
  const scored = considered.map(scoredOf)
  const usual = pick({ candidates: scored, hashed, draw })
  const credit = addRequest(input.looks)
  const look = lookFor(
    considered.map((candidate) => lookSubject(candidate, input.states)),
    usual?.pool ?? '',
    credit,
    input.nowMs,
  )
  const picked = look === undefined ? usual : pick({ candidates: scored, hashed, draw, look: look.pool })
  const first = considered.find(({ placed }) => placed.pool.id === picked?.pool)
  const rest = [...considered, ...byScore.filter((other) => !considered.includes(other))]
  return {
    ranked: first === undefined ? rest : [first, ...rest.filter((other) => other !== first)],
    decision: { reason: picked?.reason ?? 'best', hashed, draw, ...(look === undefined ? {} : { look }) },
    looks: look === undefined ? credit : takeLook(credit, look),
  }
}

/** Where the policy prefers some, the others wait until none of them can serve. */
function preferredOf(candidates: readonly Candidate[]): readonly Candidate[] {
  const preferred = candidates.filter(({ placed }) => placed.isPreferred)
  return preferred.length === 0 ? candidates : preferred
}

/** What the pick goes by. */
function scoredOf({ placed, scoreMs: score, parts }: Candidate): Scored {
  const { warmTokens, msPerToken, load, noiseMs } = parts
  return { pool: placed.pool.id, scoreMs: score, warmTokens, msPerToken, load, noiseMs }
}

function judge(placed: PlacedPool, input: RankInput): Judged {
  const subject = { placed, state: input.states.get(placed.pool.id) ?? UNKNOWN_POOL }
  return { ...subject, reason: rejectReason(subject, input) }
}

/** Ejecting a pool must not refuse what it would, some of the time, still serve. */
function isLastResort({ reason, state }: Judged): boolean {
  const { breaker } = state.measures
  return reason === 'breaker_open' && breaker.kind !== 'closed' && breaker.answers
}

function scoreAll(subjects: readonly Judged[], input: RankInput): Candidate[] {
  const paces = subjects.flatMap(({ state }) => state.measures.decode?.msPerToken ?? [])
  const quickestMsPerToken = paces.length === 0 ? 0 : Math.min(...paces)
  return subjects.map(({ placed, state, reason }) => {
    const parts = estimateParts({
      pool: placed.pool,
      state,
      size: input.size,
      warmTokens: input.warmTokens?.(placed.pool.id) ?? 0,
      priorMs: optimisticRttMs(input.origin, placed.region),
      quickestMsPerToken,
      msPerCent: input.msPerCent,
      nowMs: input.nowMs,
    })
    return {
      placed,
      estimateMs: ttftMs(parts),
      scoreMs: scoreMs(parts),
      measured: state.measures.prefill !== undefined,
      lastResort: reason !== undefined,
      parts,
    }
  })
}

function lookSubject(
  { placed, scoreMs: score, parts }: Candidate,
  states: ReadonlyMap<string, PoolState>,
): LookSubject {
  const { measures, waiting, lastDispatchAtMs } = states.get(placed.pool.id) ?? UNKNOWN_POOL
  const { prefill } = measures
  return {
    pool: placed.pool.id,
    scoreMs: score,
    optimisticMs: parts.optimisticMs,
    uncachedTokens: uncachedTokens(parts),
    waiting,
    ...(lastDispatchAtMs === undefined ? {} : { lastDispatchAtMs }),
    ...(prefill === undefined ? {} : lastSeen(prefill)),
  }
}

function lastSeen({ samples, levelMs, msPerToken }: PrefillFit): Partial<LookSubject> {
  const last = samples.at(-1)
  if (last === undefined || levelMs === undefined) return {}
  const lastLevelMs = last.ttftMs - last.queueMs - last.uncachedTokens * msPerToken
  return { seenAtMs: last.atMs, isFirstImpression: isFirstImpression(samples), lastLevelMs, levelMs }
}

function earliestReturnMs(subjects: readonly Judged[], { key, nowMs }: RankInput): number | undefined {
  const waits = subjects
    .filter(({ reason }) => reason === 'breaker_open' || reason === 'saturated')
    .map(({ state: { measures } }) =>
      Math.max(
        breakerRetryAfterMs(measures.breaker, nowMs),
        saturatedUntilMs(measures.saturation, key, nowMs) - nowMs,
      ),
    )
  return waits.length === 0 ? undefined : Math.min(...waits)
}
