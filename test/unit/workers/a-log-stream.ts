/** Readers of a shard's streams, and the lines that they get. */
import { encodeEndLine, encodeFrameLine } from '../../../shared/log/lines.ts'
import {
  BEAT_MS,
  logStream,
  type LogOpening,
  type LogReadingJob,
} from '../../../workers/objects/log-stream.ts'
import { createPulse } from '../../../workers/objects/pulse.ts'
import {
  begun,
  frame,
  readingOf,
  tokens,
  type GenerationChanges,
  type GenerationSetUp,
} from './a-generation.ts'

/** A stream on which everything has been read that is there. */
export function read(opening: Promise<LogOpening> | LogOpening) {
  const lefts: string[] = []
  const pulse = createPulse(BEAT_MS)
  const reader = logStream(Promise.resolve(opening), (why) => lefts.push(why), pulse).getReader()
  const decoder = new TextDecoder()
  let text = ''
  let writes = 0
  return {
    lefts,
    /** Writes that brought something, of those that `rest` has read. */
    get writes() {
      return writes
    },
    leave: () => reader.cancel(),
    get lines() {
      return text.split('\n').slice(0, -1)
    },
    get text() {
      return text
    },
    /** One write of the shard's. */
    async next() {
      const { value } = await reader.read()
      const chunk = decoder.decode(value)
      text += chunk
      return chunk
    },
    async rest() {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text
        const chunk = decoder.decode(value)
        text += chunk
        if (chunk !== '\n') writes += 1
      }
    },
  }
}

export const HEAD = 'h{"refused":{"reason":"not_cached"}}\n'

export function headOf({ generation }: GenerationSetUp, changes: Partial<LogReadingJob> = {}): LogOpening {
  // Of a head, a stream needs none of what it says.
  return { head: { refused: { reason: 'not_cached' } }, reading: readingOf(generation, changes) }
}

export const linesOf = (from: number, to: number): string =>
  tokens(from, to)
    .map(({ members, completionTokens }) =>
      encodeFrameLine({ members, ...(completionTokens === undefined ? {} : { tokens: completionTokens }) }),
    )
    .join('')
export const FINISH = encodeFrameLine({ members: frame('', { reason: 'stop' }).members, tokens: 5 })
export const endOf = (outcome: string, events: number, pools = ['eu-central']): string =>
  encodeEndLine({ outcome, pools, events })

export const finishing = { frames: [frame('', { tokens: 5, reason: 'stop' })], outcome: 'completed' } as const

/** One whose first five tokens are there, and that somebody reads. */
export async function fiveTokens(changes: GenerationChanges = {}): Promise<GenerationSetUp> {
  const { made } = begun(changes)
  await made.begin({ frames: tokens(0, 5) })
  return made
}
