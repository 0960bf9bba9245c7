/** Rows of the reading table: what readers of a limit can take from a log, by what may be done for them. */
import { describe, expect, test } from 'vitest'
import type { GenerationLog } from '../../../shared/log/generation-log.ts'
import { readLog } from '../../../shared/log/reading.ts'
import type { LogReading } from '../../../shared/log/reading.ts'
import { counted, say } from './a-log.ts'

const LIFE = { model: 'story', modelVersion: '1', createdAtMs: 0, expiresAtMs: 60_000 }

/** Whether it may be cut, and whether it can be continued: in the order of the tables' four readings. */
const KINDS = [
  { mayCut: true, canContinue: true },
  { mayCut: true, canContinue: false },
  { mayCut: false, canContinue: true },
  { mayCut: false, canContinue: false },
]
const READER = {
  allowedPools: new Set(['eu-1']),
  nowMs: 10_000,
  refresh: false,
  takesStitched: true,
  distrusted: [],
}

type Four = readonly [LogReading, LogReading, LogReading, LogReading]
export const HIT: Four = ['hit', 'hit', 'hit', 'hit']
export const MISS: Four = ['miss', 'miss', 'miss', 'miss']
export const JOINED: Four = ['coalesced', 'coalesced', 'coalesced', 'coalesced']
export const CUT: Four = ['hit', 'hit', 'miss', 'miss']
export const CUT_LATER: Four = ['coalesced', 'miss', 'miss', 'miss']
export const CONTINUED: Four = ['extended', 'miss', 'extended', 'miss']
export const CONTINUED_LATER: Four = ['coalesced', 'miss', 'coalesced', 'miss']

export const TEXT = counted('a', 'b', 'c')
export const UNCOUNTED = [say('a'), say('b'), say('c')]
export const JUMP = [say('a', 1), say('bc', 3)]
export const STOP = say('', 4, 'stop')
export const UNCOUNTED_STOP = say('', undefined, 'stop')
export const LENGTH = say('', 3, 'length')
export const UNCOUNTED_LENGTH = say('', undefined, 'length')

type Row = readonly [limit: number | undefined, readings: Four]

/** How a log is read for each limit, by readers of each kind. */
export function describeTable(name: string, log: GenerationLog, rows: readonly Row[]): void {
  describe(name, () => {
    test.each(rows)('is, for the limit %s, read as %j', (limit, readings) => {
      const own = limit === undefined ? {} : { limit }
      const read = KINDS.map((kind) => readLog(log, LIFE, { ...READER, ...own, ...kind }))
      expect(read).toEqual(readings)
    })
  })
}
