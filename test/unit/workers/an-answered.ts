/** An answer of a source's steps, with what the relay is told of its reader. */
import type { RelayReader } from '../../../workers/stages/relay.ts'
import type { AnswerSource, AnswerStep } from '../../../workers/stream/answer-source.ts'

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

export function aReader(changes: Partial<RelayReader> = {}): RelayReader {
  return {
    surface: 'chat',
    model: 'story',
    includeUsage: false,
    run: '0123456789ab',
    createdSeconds: 1000,
    ...changes,
  }
}
