/**
 * Has the ranked pools make one answer. A pool that fails before its first token is followed by the next candidate; after
 * the first token nothing here is tried again. The edge runs this for itself on the private path, a log shard for all its
 * readers on the shared one.
 */
import type { GatewayError } from '../../shared/errors.ts'
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { Usage } from '../../shared/log/frame.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { Candidate } from '../../shared/routing/rank.ts'
import { askPool, type Begun, type PoolJob } from '../outgoing/ask-pool.ts'
import type { PoolAnswer, PoolStep } from '../stream/pool-answer.ts'
import { tryCandidates, type DispatchDependencies, type Trying } from './try-candidates.ts'

export type DispatchInput = PoolJob & Trying

export interface Dispatched {
  readonly candidate: Candidate
  readonly attempts: number
  readonly firstTokenMs: number
  /** What was read while waiting for the first token. */
  readonly first: PoolStep
  readonly answer: PoolAnswer
  /** Pools that died under the request so far. */
  readonly died: ReadonlySet<string>
}

/** Fails as `tryCandidates` does. */
export async function dispatch(
  input: DispatchInput,
  dependencies: DispatchDependencies,
): Promise<Result<Dispatched, GatewayError>> {
  const tried = await tryCandidates(
    input,
    (candidate) => askPool(candidate, input, dependencies),
    dependencies,
  )
  const { monitor } = dependencies
  monitor.refresh(input.view)
  if (!tried.ok) return tried
  const { value, onOver, ...rest } = tried.value
  const answer = watched(value, input, (outcome, usage) => {
    onOver(outcome, usage)
    monitor.refresh(input.view)
  })
  return ok({ ...rest, first: value.first, answer })
}

/** Tells once how the answer ended; with the signal it ends even if nobody reads on. */
function watched(
  { first, answer }: Begun,
  { signal, begun }: DispatchInput,
  onOver: (outcome: AnswerOutcome, usage?: Usage) => void,
): PoolAnswer {
  let isOver = false
  let usage = first.usage
  const over = (outcome: AnswerOutcome): void => {
    if (isOver) return
    isOver = true
    signal.removeEventListener('abort', leave)
    // Of an answer that others have begun the pool counts only a part as its own.
    onOver(outcome, begun === undefined ? usage : undefined)
  }
  const leave = (): void => over('client_cancelled')
  signal.addEventListener('abort', leave, { once: true })
  if (first.outcome !== undefined) over(first.outcome)
  else if (signal.aborted) leave()
  return {
    async next() {
      const step = await answer.next()
      usage = step.usage ?? usage
      if (step.outcome !== undefined) over(step.outcome)
      return step
    },
    cancel() {
      answer.cancel()
      over('client_cancelled')
    },
  }
}
