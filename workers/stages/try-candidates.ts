/**
 * Asks ranked pools in turn until one begins to answer, and judges each by what it did. Whatever is asked (a stream of
 * tokens, a list of embeddings) goes through here, so that every failure counts the same.
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
import type { Region } from '../../shared/schema/mesh.ts'
import type { Mesh } from '../mesh.ts'
import type { PoolFailure } from '../outgoing/pool-failure.ts'
import type { Runtime } from '../runtime.ts'
import type { PoolStates } from '../stores/pool-states.ts'

export interface DispatchDependencies {
  readonly mesh: Mesh
  readonly runtime: Runtime
  readonly pools: PoolStates
}

export interface Trying {
  readonly ranking: Ranking
  /** Whose request it is; pools are judged by failures of distinct keys. */
  readonly key: string
  /** Where we are. */
  readonly origin: Region
  /** When the whole answer must be here, milliseconds since the epoch. */
  readonly endsByMs: number
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Pools that died under this request before, none of which is asked again. */
  readonly died?: ReadonlySet<string>
}

export interface Tried<T> {
  readonly candidate: Candidate
  /** Pools asked, this one included. */
  readonly attempts: number
  readonly firstTokenMs: number
  readonly value: T
  /** Pools that died under the request, earlier ones included. */
  readonly died: ReadonlySet<string>
  /** To be called once, with how the answer ended. */
  readonly onOver: (outcome: AnswerOutcome) => void
}

/**
 * A request under which this many pools died is not given another: one poisonous request must not walk through all.
 */
export const MAX_DEATHS = 2

/**
 * Fails with `no_eligible_pool`, `pool_timeout`, `request_quarantined`, the client's own mistakes as the pool judged them,
 * or `client_cancelled`.
 */
export async function tryCandidates<T>(
  trying: Trying,
  ask: (candidate: Candidate) => Promise<Result<T, PoolFailure>>,
  { mesh, runtime, pools }: DispatchDependencies,
): Promise<Result<Tried<T>, GatewayError>> {
  const { ranking, signal, endsByMs, key } = trying
  const died = new Set(trying.died)
  const candidates = ranking.ranked.filter(({ placed }) => !died.has(placed.pool.id))
  if (ranking.ranked.length === 0) return err(refusalOf(ranking))
  if (candidates.length === 0) return err({ reason: 'no_eligible_pool', retryAfterSeconds: 1 })
  const view = pools.seenFrom(trying.origin.id)
  const failures: PoolFailure[] = []

  for (const candidate of candidates.slice(0, mesh.config.limits.max_attempts)) {
    if (signal.aborted) return err({ reason: 'client_cancelled' })
    if (runtime.now() >= endsByMs) return err({ reason: 'pool_timeout' })
    const pool = candidate.placed.pool.id
    const askedAtMs = runtime.now()
    view.update(pool, (state) => onDispatch(state, askedAtMs))

    const asked = await ask(candidate)
    const nowMs = runtime.now()
    if (asked.ok) {
      view.update(pool, (state) => onFirstToken(state, nowMs - askedAtMs, nowMs))
      return ok({
        candidate,
        attempts: failures.length + 1,
        firstTokenMs: nowMs - askedAtMs,
        value: asked.value,
        died,
        onOver: (outcome) => view.update(pool, (state) => ended(state, outcome, key, runtime.now())),
      })
    }
    const failure = asked.error
    view.update(pool, (state) => refused(state, failure, key, nowMs - askedAtMs, nowMs))
    // The pool is well; the request is not, and would not be anywhere else.
    if (failure.kind === 'final') return err(failure.error)
    failures.push(failure)
    if (failure.kind === 'fault' && failure.died === true) died.add(pool)
    if (died.size >= MAX_DEATHS) return err({ reason: 'request_quarantined' })
  }
  return err(signal.aborted ? { reason: 'client_cancelled' } : failureOf(failures))
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
