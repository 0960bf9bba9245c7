/** A pool's answer as the relay's source: what was read while waiting for the first token comes first. */
import type { AnswerSource, AnswerStep } from './answer-source.ts'
import type { PoolAnswer, PoolStep } from './pool-answer.ts'

export function poolSource({ first, answer }: { first: PoolStep; answer: PoolAnswer }): AnswerSource {
  let waiting: PoolStep | undefined = first
  return {
    async next() {
      const step = waiting ?? (await answer.next())
      waiting = undefined
      return asAnswerStep(step)
    },
    cancel: () => answer.cancel(),
  }
}

function asAnswerStep({ frames, usage, outcome }: PoolStep): AnswerStep {
  return {
    members: frames.map((frame) => frame.members),
    ...(usage && { usage }),
    ...(outcome && { outcome }),
  }
}
