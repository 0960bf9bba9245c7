/** A pool's answer as the relay's source. */
import type { AnswerSource } from './answer-source.ts'
import type { PoolAnswer } from './pool-answer.ts'

/** `first` is the pool that began it. */
export function poolSource(answer: PoolAnswer, first: string): AnswerSource {
  const pools = [first]
  return {
    async next() {
      const { frames, usage, outcome, takenOverBy } = await answer.next()
      if (takenOverBy !== undefined) pools.push(takenOverBy.placed.pool.id)
      const tokens = frames.findLast((frame) => frame.completionTokens !== undefined)?.completionTokens
      return {
        members: frames.map((frame) => frame.members),
        ...(tokens === undefined ? {} : { tokens }),
        ...(usage && { usage }),
        ...(outcome && { outcome, pools }),
      }
    },
    cancel: () => answer.cancel(),
  }
}
