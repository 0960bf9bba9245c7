/**
 * What one observer (an isolate at the edge, or a shard of the log) knows about one pool, and how each event of a
 * dispatch changes it. Every dispatch ends in exactly one of `onEnd`, `onFailure` and `onSaturated`.
 */
import type { Breaker, Failure } from './circuit-breaker.ts'
import { CLOSED, begin, record, release } from './circuit-breaker.ts'
import type { Latency } from './peak-ewma.ts'
import { observe } from './peak-ewma.ts'
import type { SaturationMark, SaturationNotice } from './saturation.ts'
import { mark } from './saturation.ts'

export interface PoolState {
  /** Measured time to first token; undefined until the first sample. */
  readonly latency?: Latency
  /** Own dispatches that have not ended. */
  readonly pending: number
  /** Those of them that have no first token yet. */
  readonly waiting: number
  /** While some wait: since when the pool has given none of them a first token. */
  readonly waitingSinceMs?: number
  readonly lastDispatchAtMs?: number
  readonly breaker: Breaker
  readonly saturation: readonly SaturationMark[]
}

/** How far a dispatch had come when it ended. */
export interface DispatchEnd {
  readonly sawFirstToken: boolean
}

export interface DispatchFailure extends Failure, DispatchEnd {
  /**
   * How long a first token was waited for in vain, when `kind` is `timeout`. Without it, the wait since the pool's
   * last sign of life counts, which is at most as long.
   */
  readonly waitedMs?: number
}

export const UNKNOWN_POOL: PoolState = { pending: 0, waiting: 0, breaker: CLOSED, saturation: [] }

/** A request is being sent to the pool. */
export function onDispatch(state: PoolState, nowMs: number): PoolState {
  return {
    ...state,
    pending: state.pending + 1,
    waiting: state.waiting + 1,
    waitingSinceMs: state.waitingSinceMs ?? nowMs,
    lastDispatchAtMs: nowMs,
    breaker: begin(state.breaker, nowMs),
  }
}

/** The pool sent a first token `ttftMs` after the request was sent. */
export function onFirstToken(state: PoolState, ttftMs: number, nowMs: number): PoolState {
  return {
    ...withoutWaiting(state, nowMs),
    latency: observe(state.latency, ttftMs, nowMs),
    breaker: record(state.breaker, 'success', nowMs),
  }
}

/** The dispatch ended through no fault of the pool: completed, left by its client, or refused for its content. */
export function onEnd(state: PoolState, { sawFirstToken }: DispatchEnd, nowMs: number): PoolState {
  const ended = withoutPending(state, sawFirstToken, nowMs)
  return sawFirstToken ? ended : { ...ended, breaker: release(state.breaker) }
}

/**
 * The pool failed, before its first token or in mid-stream. A wait in vain is also a measurement: the time to first
 * token was at least that long. Without it, a pool that hangs for the only key in use would stay ranked first, since
 * failures of one key do not open the breaker.
 */
export function onFailure(state: PoolState, failure: DispatchFailure, nowMs: number): PoolState {
  const { kind, key, sawFirstToken } = failure
  const rest = withoutPending(state, sawFirstToken, nowMs)
  const breaker = record(state.breaker, { kind, key }, nowMs)
  if (kind !== 'timeout' || sawFirstToken) return { ...rest, breaker }
  const waitedMs = failure.waitedMs ?? nowMs - (state.waitingSinceMs ?? nowMs)
  const atLeastMs = Math.max(waitedMs, state.latency?.costMs ?? 0)
  return { ...rest, breaker, latency: observe(state.latency, atLeastMs, nowMs) }
}

/** The pool answered "not now"; it is alive, but a probe has not shown that it serves. */
export function onSaturated(state: PoolState, notice: SaturationNotice, nowMs: number): PoolState {
  return {
    ...withoutPending(state, false, nowMs),
    breaker: release(state.breaker),
    saturation: mark(state.saturation, notice, nowMs),
  }
}

function withoutPending(state: PoolState, sawFirstToken: boolean, nowMs: number): PoolState {
  const rest = sawFirstToken ? state : withoutWaiting(state, nowMs)
  return { ...rest, pending: Math.max(0, state.pending - 1) }
}

/** Any end of a wait restarts the clock for the others: how long each has waited is not kept. */
function withoutWaiting(state: PoolState, nowMs: number): PoolState {
  const { waitingSinceMs: _ended, ...rest } = state
  const waiting = Math.max(0, state.waiting - 1)
  return { ...rest, waiting, ...(waiting === 0 ? {} : { waitingSinceMs: nowMs }) }
}
