/** Decides what one reader can take from the log of a generation: all of it, what is being made, or nothing. */

/** What is known about a log without its frames. */
export interface LogSummary {
  /** Growing; finished with a finish reason; or lost its producer. */
  readonly state: 'open' | 'sealed' | 'broken'
  /** The token limit the generation was produced under; undefined if there was none. */
  readonly asked?: number
  /** The finish reason when sealed; `length` if any choice ended by its limit. */
  readonly finish?: string
  /** As the pool stated it at the end, over all choices; undefined if it did not. */
  readonly completionTokens?: number
  /** The pool that produced it. */
  readonly pool: string
  readonly modelVersion: string
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

export interface LogReader {
  /** The reader's own token limit; undefined if it has none. */
  readonly limit?: number
  /** Pools whose output the reader's placement allows. */
  readonly allowedPools: ReadonlySet<string>
  /** Oldest answer the reader takes: the least of its TTL and its own wish. */
  readonly maxAgeSeconds?: number
  readonly nowMs: number
  /** Asks for an answer that is made now. */
  readonly refresh: boolean
}

export type LogReading = 'hit' | 'coalesced' | 'miss'

/**
 * `hit`: replay all. `coalesced`: replay what is there, then follow. `miss`: not usable for this reader; generate.
 * A refresh joins what is being made, and takes nothing that is finished.
 */
export function readLog(log: LogSummary | undefined, reader: LogReader): LogReading {
  if (log === undefined || !isUsable(log, reader)) return 'miss'
  switch (log.state) {
    case 'open':
      return log.asked === reader.limit ? 'coalesced' : 'miss'
    case 'sealed':
      return !reader.refresh && isWholeAnswer(log, reader) ? 'hit' : 'miss'
    case 'broken':
      return 'miss'
  }
}

function isUsable(log: LogSummary, reader: LogReader): boolean {
  const ageSeconds = (reader.nowMs - log.createdAtMs) / 1000
  return (
    reader.allowedPools.has(log.pool) &&
    reader.nowMs < log.expiresAtMs &&
    ageSeconds <= (reader.maxAgeSeconds ?? Infinity)
  )
}

/**
 * Whether the log is just what this reader's own request would have got: made under the same limit, or ended by
 * itself within the reader's limit. The count is over all choices, so with several it can only refuse too much.
 */
function isWholeAnswer(log: LogSummary, { limit }: LogReader): boolean {
  if (log.asked === limit) return true
  if (log.finish === undefined || log.finish === 'length') return false
  return limit === undefined || (log.completionTokens !== undefined && log.completionTokens <= limit)
}
