/** Holds a source to its reader's deadline, whatever the source does: what is not here by then counts as timed out. */
import type { Runtime } from '../runtime.ts'
import type { AnswerSource, AnswerStep } from './answer-source.ts'

export interface Deadline {
  /** When the whole answer must be here, milliseconds since the epoch. */
  readonly endsByMs: number
}

const TIMED_OUT: AnswerStep = { members: [], outcome: 'timed_out' }

/** One timer for the whole answer, not a race per step: steps are the hot loop, and every race would leave a reaction behind. */
export function withDeadline(
  source: AnswerSource,
  { endsByMs }: Deadline,
  runtime: Pick<Runtime, 'now'>,
): AnswerSource {
  let isLate = false
  let give: (step: AnswerStep) => void = () => undefined
  const timer = setTimeout(
    () => {
      isLate = true
      give(TIMED_OUT)
      source.cancel()
    },
    Math.max(0, endsByMs - runtime.now()),
  )
  return {
    next() {
      if (isLate) return Promise.resolve(TIMED_OUT)
      return new Promise((resolve, reject) => {
        give = resolve
        source.next().then((step) => {
          if (step.outcome !== undefined) clearTimeout(timer)
          resolve(step)
        }, reject)
      })
    },
    cancel() {
      clearTimeout(timer)
      source.cancel()
    },
  }
}
