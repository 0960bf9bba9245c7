/**
 * Asks the ranked pools in turn until one begins to answer. A pool that fails before its first token is followed by the
 * next candidate; after the first token nothing here is tried again. The edge runs this for itself on the private
 * path, a log shard for all its readers on the shared one.
 */
import type { GatewayError } from '../../shared/errors.ts'
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import {
  onDispatch,
  onEnd,
  onFailure,
  onFirstToken,
  onSaturated,
  type PoolState,
} from '../../shared/pool/snapshot.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Candidate, Ranking } from '../../shared/routing/rank.ts'
import { refusalOf } from '../../shared/routing/refusal.ts'
import type { Mesh } from '../mesh.ts'
import { askPool, type PoolFailure, type PoolJob } from '../outgoing/ask-pool.ts'
import type { Runtime } from '../runtime.ts'
import type { PoolStates } from '../stores/pool-states.ts'
import type { PoolAnswer, PoolStep } from '../stream/pool-answer.ts'

export interface DispatchInput extends PoolJob {
  readonly ranking: Ranking
  /** Whose request it is; pools are judged by failures of distinct keys. */
  readonly key: string
}

export interface DispatchDependencies {
  readonly mesh: Mesh
  readonly runtime: Runtime
  readonly pools: PoolStates
}

export interface Dispatched {
  readonly candidate: Candidate
  readonly attempts: number
  readonly firstTokenMs: number
  /** What was read while waiting for the first token. */
  readonly first: PoolStep
  readonly answer: PoolAnswer
}

/**
 * Fails with `no_eligible_pool`, `pool_timeout`, the client's own mistakes as the pool judged them, or
 * `client_cancelled`.
 */
export async function dispatch(
  input: DispatchInput,
  dependencies: DispatchDependencies,
): Promise<Result<Dispatched, GatewayError>> {
  const { ranking, signal, endsByMs } = input
  const { runtime, mesh } = dependencies
  const view = dependencies.pools.seenFrom(input.origin.id)
  if (ranking.ranked.length === 0) return err(refusalOf(ranking))
  const failures: PoolFailure[] = []

  for (const candidate of ranking.ranked.slice(0, mesh.config.limits.max_attempts)) {
    if (signal.aborted) return err({ reason: 'client_cancelled' })
    if (runtime.now() >= endsByMs) return err({ reason: 'pool_timeout' })
    const pool = candidate.placed.pool.id
    const askedAtMs = runtime.now()
    view.update(pool, (state) => onDispatch(state, askedAtMs))

    const asked = await askPool(candidate, input, dependencies)
    const nowMs = runtime.now()
    if (asked.ok) {
      view.update(pool, (state) => onFirstToken(state, nowMs - askedAtMs, nowMs))
      return ok({
        candidate,
        attempts: failures.length + 1,
        firstTokenMs: nowMs - askedAtMs,
        first: asked.value.first,
        answer: watched(asked.value, signal, (outcome) => {
          view.update(pool, (state) => ended(state, outcome, input.key, runtime.now()))
        }),
      })
    }
    const waitedMs = nowMs - askedAtMs
    view.update(pool, (state) => refused(state, asked.error, input.key, waitedMs, nowMs))
    // The pool is well; the request is not, and would not be anywhere else.
    if (asked.error.kind === 'final') return err(asked.error.error)
    failures.push(asked.error)
  }
  return err(signal.aborted ? { reason: 'client_cancelled' } : failureOf(failures))
}

/** Tells once how the answer ended; with the signal it ends even if nobody reads on. */
function watched(
  { first, answer }: { first: PoolStep; answer: PoolAnswer },
  signal: AbortSignal,
  onOver: (outcome: AnswerOutcome) => void,
): PoolAnswer {
  let isOver = false
  const over = (outcome: AnswerOutcome): void => {
    if (isOver) return
    isOver = true
    signal.removeEventListener('abort', leave)
    onOver(outcome)
  }
  const leave = (): void => over('client_cancelled')
  signal.addEventListener('abort', leave, { once: true })
  if (first.outcome !== undefined) over(first.outcome)
  else if (signal.aborted) leave()
  return {
    async next() {
      const step = await answer.next()
      if (step.outcome !== undefined) over(step.outcome)
      return step
    },
    cancel() {
      answer.cancel()
      over('client_cancelled')
    },
  }
}

/** What the end of an answer says about its pool: a stream that was cut or stalled is the pool's failure. */
function ended(state: PoolState, outcome: AnswerOutcome, key: string, nowMs: number): PoolState {
  const sawFirstToken = true
  switch (outcome) {
    case 'truncated':
    case 'upstream_error':
      return onFailure(state, { kind: 'server_error', key, sawFirstToken }, nowMs)
    case 'stalled':
      return onFailure(state, { kind: 'timeout', key, sawFirstToken }, nowMs)
    case 'completed':
    case 'timed_out':
    case 'client_cancelled':
      return onEnd(state, { sawFirstToken }, nowMs)
  }
}

/** What a refusal before the first token says about the pool. */
function refused(
  state: PoolState,
  failure: PoolFailure,
  key: string,
  waitedMs: number,
  nowMs: number,
): PoolState {
  const sawFirstToken = false
  switch (failure.kind) {
    case 'fault':
      return onFailure(state, { kind: failure.fault, key, sawFirstToken, waitedMs }, nowMs)
    case 'saturated':
      return onSaturated(state, { ...failure, key }, nowMs)
    case 'final':
    case 'cancelled':
      return onEnd(state, { sawFirstToken }, nowMs)
  }
}

function failureOf(failures: readonly PoolFailure[]): GatewayError {
  const areAllTimeouts = failures.every((failure) => failure.kind === 'fault' && failure.fault === 'timeout')
  if (areAllTimeouts) return { reason: 'pool_timeout' }
  const waitsMs = failures.flatMap((failure) =>
    failure.kind === 'saturated' && failure.retryAfterMs !== undefined ? [failure.retryAfterMs] : [],
  )
  return {
    reason: 'no_eligible_pool',
    retryAfterSeconds: waitsMs.length === 0 ? 1 : Math.ceil(Math.min(...waitsMs) / 1000),
  }
}
