/**
 * Asks ranked pools in turn until one begins to answer, and judges each by what it did. Whatever is asked (a stream of
 * tokens, a list of embeddings) goes through here, so that every failure counts the same.
 */
import type { GatewayError } from '../../shared/errors.ts'
import type { Prompt } from '../../shared/affinity/prompt.ts'
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { Usage } from '../../shared/log/frame.ts'
import type { Placement } from '../../shared/residency/place.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Candidate, Ranking } from '../../shared/routing/rank.ts'
import { refusalOf } from '../../shared/routing/refusal.ts'
import type { Mesh } from '../mesh.ts'
import type { PoolFailure } from '../outgoing/pool-failure.ts'
import type { Runtime } from '../runtime.ts'
import type { MonitorLink } from '../stores/monitor-link.ts'
import type { PoolStates, RegionView } from '../stores/pool-states.ts'
import { watchDispatch } from './watch-dispatch.ts'

export interface DispatchDependencies {
  readonly mesh: Mesh
  readonly runtime: Runtime
  readonly pools: PoolStates
  readonly monitor: MonitorLink
}

export interface Trying {
  readonly ranking: Ranking
  /** Whose request it is; pools are judged by failures of distinct keys. */
  readonly key: string
  readonly prompt: Prompt
  /** What is known of the pools where we are. */
  readonly view: RegionView
  /** When the whole answer must be here, milliseconds since the epoch. */
  readonly endsByMs: number
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Pools that died under this request before, none of which is asked again. */
  readonly died?: ReadonlySet<string>
  /** Of a pool that is not the first: whether it may still be asked. While others failed, the config may have changed. */
  readonly mayAsk: (candidate: Candidate) => Promise<boolean>
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
  readonly onOver: (outcome: AnswerOutcome, usage?: Usage) => void
}

/** What has begun. */
interface Timed {
  /** From the call to the response's headers, where they come before the answer. */
  readonly headersMs: number | undefined
}

/**
 * A request under which this many pools died is not given another: one poisonous request must not walk through all.
 */
export const MAX_DEATHS = 2

/**
 * Fails with `no_eligible_pool`, `pool_timeout`, `request_quarantined`, the client's own mistakes as the pool judged them,
 * or `client_cancelled`.
 */
export async function tryCandidates<T extends Timed>(
  trying: Trying,
  ask: (candidate: Candidate) => Promise<Result<T, PoolFailure>>,
  { mesh, runtime }: DispatchDependencies,
): Promise<Result<Tried<T>, GatewayError>> {
  const { ranking, signal, endsByMs, view } = trying
  const died = new Set(trying.died)
  const candidates = ranking.ranked.filter(({ placed }) => !died.has(placed.pool.id))
  if (ranking.ranked.length === 0) return err(refusalOf(ranking))
  if (candidates.length === 0) return err({ reason: 'no_eligible_pool', retryAfterSeconds: 1 })
  const failures: PoolFailure[] = []

  for (const candidate of candidates.slice(0, mesh.config.limits.max_attempts)) {
    if (signal.aborted) return err({ reason: 'client_cancelled' })
    if (runtime.now() >= endsByMs) return err({ reason: 'pool_timeout' })
    // When much fails, trying everything everywhere would bring down what still stands.
    if (failures.length > 0 && !view.takeRetry()) break
    const isLater = failures.length > 0
    if (isLater && !(await trying.mayAsk(candidate))) return err({ reason: 'config_unavailable' })
    const watch = watchDispatch({ ...trying, candidate, runtime })
    const asked = await ask(candidate)
    if (asked.ok) {
      return ok({
        candidate,
        attempts: failures.length + 1,
        firstTokenMs: watch.began(asked.value.headersMs),
        value: asked.value,
        died,
        onOver: (outcome, usage) => watch.over(outcome, usage),
      })
    }
    const failure = asked.error
    watch.refused(failure)
    // The pool is well; the request is not, and would not be anywhere else.
    if (failure.kind === 'final') return err(failure.error)
    failures.push(failure)
    if (failure.kind === 'fault' && failure.died === true) died.add(candidate.placed.pool.id)
    if (died.size >= MAX_DEATHS) return err({ reason: 'request_quarantined' })
  }
  return err(signal.aborted ? { reason: 'client_cancelled' } : failureOf(failures))
}

/** Whether a pool is in a placement that was made again. */
export function mayAsk({ placed }: Candidate, placement: Result<Placement, GatewayError>): boolean {
  return placement.ok && placement.value.pools.some(({ pool }) => pool.id === placed.pool.id)
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
