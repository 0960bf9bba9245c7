/** An answered request of a source's steps, with what the relay reads of it. */
import type { Surface } from '../../../shared/log/frame.ts'
import type { Answered } from '../../../workers/contexts.ts'
import type { Edge } from '../../../workers/edge.ts'
import type { AnswerSource, AnswerStep } from '../../../workers/stream/answer-source.ts'
import { aRuntime } from './a-runtime.ts'

export interface TestSource extends AnswerSource {
  readonly cancels: number
  readonly reads: number
}

/** Gives these steps, and after them none. */
export function aSource(steps: readonly AnswerStep[]): TestSource {
  let cancels = 0
  let reads = 0
  return {
    next() {
      const step = steps[reads]
      reads += 1
      return step === undefined ? new Promise(() => undefined) : Promise.resolve(step)
    },
    cancel() {
      cancels += 1
    },
    get cancels() {
      return cancels
    },
    get reads() {
      return reads
    },
  }
}

export function answeredFrom(
  source: AnswerSource,
  includeUsage = false,
  surface: Surface = 'chat',
): Answered {
  // The relay reads the source, the surface and the request's wishes, and nothing else.
  return { surface, generation: { model: 'story', includeUsage }, answer: { source } } as unknown as Answered
}

export function anEdge(): Edge {
  return { runtime: aRuntime({ randomHex: () => '0123456789ab' }) } as unknown as Edge
}
