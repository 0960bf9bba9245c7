/** Holds a source to the client's own deadline, where it set one: what is not here by then counts as timed out. */
import type { Runtime } from '../runtime.ts'
import type { AnswerSource, AnswerStep } from './answer-source.ts'

export function withDeadline(source: AnswerSource, endsByMs: number, runtime: Runtime): AnswerSource {
  return {
    async next() {
      let timer: ReturnType<typeof setTimeout> | undefined
      const late = new Promise<AnswerStep>((resolve) => {
        const leftMs = Math.max(0, endsByMs - runtime.now())
        timer = setTimeout(() => resolve({ members: [], outcome: 'timed_out' }), leftMs)
      })
      const step = await Promise.race([source.next(), late])
      clearTimeout(timer)
      if (step.outcome === 'timed_out') source.cancel()
      return step
    },
    cancel: () => source.cancel(),
  }
}
