/** An answer replayed from a copy of its log: all of it at once. */
import type { KeptLog } from '../../shared/log/document.ts'
import { readOn } from '../../shared/log/read-on.ts'
import type { AnswerSource } from './answer-source.ts'

/** For a reader whom the copy serves whole, and who has had the first `events` of it. */
export function keptAnswer({ log }: KeptLog, limit: number | undefined, events = 0): AnswerSource {
  return {
    next() {
      const piece = readOn(log, { events, ...(limit === undefined ? {} : { limit }) }, Infinity)
      return Promise.resolve({
        members: piece.entries.map(({ members }) => members),
        ...(piece.usage && { usage: piece.usage }),
        outcome: piece.after === 'whole' ? 'completed' : 'truncated',
        events: piece.total,
        pools: log.producers.map(({ pool }) => pool),
      })
    },
    cancel: () => undefined,
  }
}
