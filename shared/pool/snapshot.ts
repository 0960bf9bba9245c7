/**
 * What one observer (an isolate at the edge, or a shard of the log) knows about one pool, and how each event of a
 * dispatch changes it: what was measured, and what it has under way there itself. Every dispatch ends in exactly one
 * observation of `served`, `failed` or `saturated`, or in `left`.
 */
import { begin, release } from './circuit-breaker.ts'
import type { Observation } from './observation.ts'
import { UNMEASURED, applyObservation, mergeMeasures, type PoolMeasures } from './pool-measures.ts'
import type { SharedPool } from './region-snapshot.ts'
import { beginTrial, releaseTrial } from './saturation.ts'

export interface PoolState {
  /** Measured here and, as far as heard, in the region. */
  readonly measures: PoolMeasures
  /** What the region's monitor said last, and when. */
  readonly shared?: SharedPool & { readonly atMs: number }
  /** Own dispatches that have not ended. */
  readonly pending: number
  /** Those of them that have no first token yet. */
  readonly waiting: number
  /** Prompt tokens to compute of those that wait. */
  readonly waitingTokens: number
  /** While some wait: since when the pool has given none of them a first token. */
  readonly waitingSinceMs?: number
  readonly lastDispatchAtMs?: number
  /** Own dispatches of the last seconds, oldest first. */
  readonly sent: readonly Sent[]
}

export interface Sent {
  readonly atMs: number
  /** Prompt tokens to compute. */
  readonly tokens: number
}

/** A request on its way to a pool. */
export interface Dispatch {
  /** Whose request it is: an id, never the key itself. */
  readonly key: string
  readonly atMs: number
  /** Prompt tokens to compute, as far as is known. */
  readonly uncachedTokens: number
}

/** How far a dispatch had come when it ended. */
export interface DispatchEnd extends Dispatch {
  readonly sawFirstToken: boolean
}

export const UNKNOWN_POOL: PoolState = {
  measures: UNMEASURED,
  pending: 0,
  waiting: 0,
  waitingTokens: 0,
  sent: [],
}

/** What was sent longer ago says nothing of what a pool has to do now. */
export const SENT_WINDOW_MS = 10_000
/** Of more dispatches than this within the window the earliest are forgotten: by then a monitor has heard of them. */
const MAX_SENT = 128

/** A request is being sent to the pool. */
export function onDispatch(state: PoolState, { key, atMs: nowMs, uncachedTokens }: Dispatch): PoolState {
  const { breaker, saturation } = state.measures
  const recent = state.sent.filter(({ atMs }) => atMs > nowMs - SENT_WINDOW_MS).slice(1 - MAX_SENT)
  return {
    ...state,
    measures: {
      ...state.measures,
      breaker: begin(breaker, nowMs),
      saturation: beginTrial(saturation, key, nowMs),
    },
    pending: state.pending + 1,
    waiting: state.waiting + 1,
    waitingTokens: state.waitingTokens + uncachedTokens,
    waitingSinceMs: state.waitingSinceMs ?? nowMs,
    lastDispatchAtMs: nowMs,
    sent: [...recent, { atMs: nowMs, tokens: uncachedTokens }],
  }
}

/** A dispatch has shown something. */
export function onObservation(state: PoolState, observation: Observation, end: DispatchEnd): PoolState {
  const measures = applyObservation(state.measures, observation)
  const { atMs } = observation
  if (observation.kind === 'first_token') {
    return { ...withoutWaiting(state, end.uncachedTokens, atMs), measures }
  }
  return { ...withoutPending(state, end, atMs), measures }
}

/** The dispatch ended through no fault of the pool, before it was whole: left by its client, or refused for its content. */
export function onLeft(state: PoolState, end: DispatchEnd, nowMs: number): PoolState {
  const rest = withoutPending(state, end, nowMs)
  if (end.sawFirstToken) return rest
  const { breaker, saturation } = state.measures
  const trial = { askedAtMs: end.atMs }
  return {
    ...rest,
    measures: {
      ...state.measures,
      breaker: release(breaker),
      saturation: releaseTrial(saturation, end.key, trial),
    },
  }
}

/** The region's monitor has told what it knew at `atMs`. */
export function onShared(state: PoolState, shared: SharedPool, atMs: number, nowMs: number): PoolState {
  return {
    ...state,
    shared: { ...shared, atMs },
    measures: mergeMeasures(state.measures, shared.measures, nowMs),
  }
}

function withoutPending(state: PoolState, end: DispatchEnd, nowMs: number): PoolState {
  const rest = end.sawFirstToken ? state : withoutWaiting(state, end.uncachedTokens, nowMs)
  return { ...rest, pending: Math.max(0, state.pending - 1) }
}

/** Any end of a wait restarts the clock for the others: how long each has waited is not kept. */
function withoutWaiting(state: PoolState, tokens: number, nowMs: number): PoolState {
  const { waitingSinceMs: _ended, ...rest } = state
  const waiting = Math.max(0, state.waiting - 1)
  if (waiting === 0) return { ...rest, waiting, waitingTokens: 0 }
  return { ...rest, waiting, waitingTokens: Math.max(0, state.waitingTokens - tokens), waitingSinceMs: nowMs }
}
