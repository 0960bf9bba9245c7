/** A pool's answer that tells, once it is over, what the pools were used for: for whoever settles that. */
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { Usage } from '../../shared/log/frame.ts'
import type { PoolUse } from '../../shared/ledger/settlement.ts'
import type { Candidate } from '../../shared/routing/rank.ts'
import type { PoolAnswer, PoolStep } from './pool-answer.ts'

export interface MeteredAnswerOptions {
  /** The pool that began it. */
  readonly first: Candidate
  /** As estimated, for a pool that does not count. */
  readonly promptTokens: number
  /** Tokens of the answer that were there before. */
  readonly begunTokens?: number
  /** With it the answer is over, even if nobody reads on. */
  readonly signal: AbortSignal
  /** Called once. */
  readonly onUse: (use: PoolUse) => void
}

export function meteredAnswer(answer: PoolAnswer, options: MeteredAnswerOptions): PoolAnswer {
  const { promptTokens, begunTokens, signal, onUse } = options
  let last = options.first
  let pools = 1
  let counted: Usage | undefined
  let completionTokens = begunTokens ?? 0
  let isOver = false

  function over(outcome: AnswerOutcome): void {
    if (isOver) return
    isOver = true
    signal.removeEventListener('abort', leave)
    const { pool } = last.placed
    onUse({
      pool: pool.id,
      price: pool.price,
      outcome,
      pools,
      ...(counted === undefined ? {} : { counted }),
      seen: { promptTokens, completionTokens },
      ...(begunTokens === undefined ? {} : { begunTokens }),
    })
  }

  function note({ frames, usage, takenOverBy }: PoolStep): void {
    if (takenOverBy !== undefined) {
      last = takenOverBy
      pools += 1
    }
    for (const frame of frames) {
      // A pool that does not count sends about a token a frame.
      if (frame.completionTokens !== undefined)
        completionTokens = Math.max(completionTokens, frame.completionTokens)
      else if (frame.hasContent) completionTokens += 1
    }
    // What was counted before more came is not the count of all of it.
    counted = usage ?? (frames.length > 0 ? undefined : counted)
  }

  const leave = (): void => over('client_cancelled')
  if (signal.aborted) leave()
  else signal.addEventListener('abort', leave, { once: true })

  return {
    async next() {
      const step = await answer.next()
      note(step)
      if (step.outcome !== undefined) over(step.outcome)
      return step
    },
    cancel() {
      answer.cancel()
      over('client_cancelled')
    },
  }
}
