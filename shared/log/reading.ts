/** Decides what one reader can take from a log: all of it, its beginning, what is being made, or nothing. */
import { cutAt, isWholeFor } from './length-cut.ts'
import type { GenerationLog } from './generation-log.ts'

/** When, and by which version of the model, a log was made, and for how long it may be used. */
export interface LogLife {
  readonly model: string
  readonly modelVersion: string
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

/** A time and what was made in it that is not to be replayed. */
export interface DistrustedTime {
  readonly pool?: string
  readonly model?: string
  readonly version?: string
  readonly fromMs: number
  readonly toMs: number
}

export interface LogReader {
  /** The reader's own token limit; absent if it has none. */
  readonly limit?: number
  /** Pools whose output the reader's placement allows. */
  readonly allowedPools: ReadonlySet<string>
  /** Oldest answer the reader takes: the least of its TTL and its own wish. */
  readonly maxAgeSeconds?: number
  readonly nowMs: number
  /** Asks for an answer that is made now. */
  readonly refresh: boolean
  /** Whether the answer may be cut at a count of tokens: not with tools, a schema, stop sequences or several choices. */
  readonly mayCut: boolean
  /** Whether a pool may go on where a log of plain text ends, and one that the reader may use can. */
  readonly canContinue: boolean
  /** Whether the reader takes what several pools made between them. */
  readonly takesStitched: boolean
  readonly distrusted: readonly DistrustedTime[]
}

/**
 * `hit`: all it needs is there. `coalesced`: replay what is there, then follow. `extended`: replay, and have a pool go on
 * from there. `miss`: not usable for this reader; generate.
 */
export type LogReading = 'hit' | 'coalesced' | 'extended' | 'miss'

/** A refresh joins what is being made under its own limit, and takes nothing that was finished before. */
export function readLog(log: GenerationLog, life: LogLife, reader: LogReader): LogReading {
  if (!isUsable(log, life, reader)) return 'miss'
  const { limit, refresh } = reader
  if (refresh) return log.state === 'open' && log.asked === limit ? 'coalesced' : 'miss'
  if (hasAllFor(log, reader)) return 'hit'
  switch (log.state) {
    case 'sealed':
      if (isWholeFor(log, limit)) return 'hit'
      return isLonger(limit, log.asked) && log.endedByLimit && canGoOn(log, reader) ? 'extended' : 'miss'
    case 'broken': {
      // Of nothing nothing can be continued, and what ended before its pool was lost has nothing to come.
      const isBeginning = log.tokens !== 0 && log.finish === undefined
      return isBeginning && canGoOn(log, reader) ? 'extended' : 'miss'
    }
    case 'open':
      return readOpen(log, reader)
  }
}

/** Whether anything of what several pools made may be used, and by whom and when it was made. */
function isUsable(log: GenerationLog, life: LogLife, reader: LogReader): boolean {
  const ageSeconds = (reader.nowMs - life.createdAtMs) / 1000
  return (
    log.firstKept === 0 &&
    log.producers.every(({ pool }) => reader.allowedPools.has(pool)) &&
    (reader.takesStitched || log.producers.length < 2) &&
    reader.nowMs < life.expiresAtMs &&
    ageSeconds <= (reader.maxAgeSeconds ?? Infinity) &&
    !reader.distrusted.some((time) => isDistrusted(log, life, time))
  )
}

/** A part counts from when it began to be made: what a pool adds later can be distrusted where the beginning is not. */
export function isDistrusted(log: GenerationLog, life: LogLife, time: DistrustedTime): boolean {
  const isOfModel =
    (time.model === undefined || time.model === life.model) &&
    (time.version === undefined || time.version === life.modelVersion)
  return (
    isOfModel &&
    log.producers.some(({ pool, atMs = life.createdAtMs }) => {
      const isOfPool = time.pool === undefined || time.pool === pool
      return isOfPool && atMs >= time.fromMs && atMs < time.toMs
    })
  )
}

/** Whether the beginning that is there already is all this reader wants: cut for it, or where the log once ended. */
function hasAllFor(log: GenerationLog, { limit, mayCut }: LogReader): boolean {
  return (mayCut || log.lengthEnds.some((end) => end.limit === limit)) && cutAt(log, limit) !== undefined
}

function readOpen(log: GenerationLog, reader: LogReader): LogReading {
  const { limit, mayCut } = reader
  if (log.asked === limit) return 'coalesced'
  // Whatever goes wrong with an end of its own, the reader's answer must be one that can be finished otherwise.
  if (!canBeContinued(log, reader) || limit === undefined) return 'miss'
  // It ends below this reader's limit, and is then continued.
  if (isLonger(limit, log.asked)) return 'coalesced'
  return mayCut && log.countsEveryToken && (log.tokens ?? 0) < limit ? 'coalesced' : 'miss'
}

function canBeContinued(log: GenerationLog, { canContinue }: LogReader): boolean {
  return canContinue && log.isPlain
}

function canGoOn(log: GenerationLog, reader: LogReader): boolean {
  return canBeContinued(log, reader) && hasRoom(log, reader.limit)
}

/** Only of two limits that were both given can one be the longer. */
function isLonger(limit: number | undefined, asked: number | undefined): boolean {
  return limit !== undefined && asked !== undefined && limit > asked
}

/** How many tokens are left of a limit is known only where the pool counted, be it at the end. */
function hasRoom(log: GenerationLog, limit: number | undefined): boolean {
  const tokens = log.tokens ?? (log.state === 'sealed' ? log.usage?.completionTokens : undefined)
  return limit === undefined || (tokens !== undefined && tokens < limit)
}
