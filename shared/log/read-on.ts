/** What one reader gets from a log next: it holds a position, and its own limit decides where the log ends for it. */
import type { Usage } from './frame.ts'
import type { GenerationLog, LogEntry } from './generation-log.ts'
import { cutAt, isWholeFor } from './length-cut.ts'

export interface LogPosition {
  /** Events the reader has had. */
  readonly events: number
  /** Its token limit; absent if it has none. */
  readonly limit?: number
}

export interface LogPiece {
  readonly entries: readonly LogEntry[]
  /** Where the reader stands after it. */
  readonly events: number
  /**
   * `more`: there is more already. `wait`: more will come. `whole`: this was the end. `broken`: the producer is lost.
   * `short`: the log ended by a limit below the reader's. `overshot`: nothing of what comes is for this reader, since it
   * may have passed the reader's limit and cannot be cut there. `gone`: what comes next was dropped, since the reader was
   * too slow.
   */
  readonly after: 'more' | 'wait' | 'whole' | 'broken' | 'short' | 'overshot' | 'gone'
  /** Events there are for this reader so far. */
  readonly total: number
  /** The counts for this reader; with `whole` and `broken`, where they are known. */
  readonly usage?: Usage
}

/**
 * Whole events, at most `maxCharacters` of them unless the first is longer. Whatever the order of reading and writing,
 * the pieces of a reader put together are the same.
 */
export function readOn(log: GenerationLog, position: LogPosition, maxCharacters: number): LogPiece {
  if (position.events < log.firstKept) {
    return { entries: [], events: position.events, total: log.length, after: 'gone' }
  }
  const cut = cutAt(log, position.limit)
  /** Whether all there is is for this reader. */
  const isSafe = cut !== undefined || log.asked === position.limit || isWholeFor(log, position.limit)
  const finish = cut?.finish ?? []
  const events = cut?.events ?? log.length
  const total = events + finish.length
  const entries: LogEntry[] = []
  let characters = 0
  let next = position.events
  while (next < total) {
    const entry = next < events ? log.entry(next) : finish[next - events]
    if (entry === undefined) break
    characters += entry.members.length
    if (entries.length > 0 && characters > maxCharacters) break
    if (!isSafe) {
      // Beyond its limit nothing is for this reader, even where no event is just at it.
      if (mayBeBeyond(entry, log, position.limit)) {
        return { entries, events: next, total: next, after: 'overshot' }
      }
      // Nor is an end that another limit made: what comes instead is still to be generated.
      if (entry.finish === 'length') {
        return { entries, events: next, total: next, after: afterOf(log, position.limit) }
      }
    }
    entries.push(entry)
    next += 1
  }
  const usage = cut === undefined ? log.usage : cut.usage
  const after = next < total ? 'more' : cut === undefined ? afterOf(log, position.limit) : 'whole'
  return {
    entries,
    events: next,
    total,
    after,
    ...(usage === undefined || (after !== 'whole' && after !== 'broken') ? {} : { usage }),
  }
}

/** Where an event says something and not how many tokens it makes, only a log that was asked for fewer is within. */
function mayBeBeyond({ tokens }: LogEntry, { asked }: GenerationLog, limit: number | undefined): boolean {
  if (limit === undefined) return false
  return tokens === undefined ? asked === undefined || asked > limit : tokens > limit
}

function afterOf(log: GenerationLog, limit: number | undefined): LogPiece['after'] {
  const { state, asked } = log
  switch (state) {
    case 'open':
      return 'wait'
    case 'broken':
      return 'broken'
    case 'sealed': {
      if (isWholeFor(log, limit)) return 'whole'
      const isLonger = limit === undefined || (asked !== undefined && limit > asked)
      return log.endedByLimit && isLonger ? 'short' : 'overshot'
    }
  }
}
