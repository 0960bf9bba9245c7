import { describe, expect, test } from 'vitest'
import type { GenerationLog } from '../../../shared/log/generation-log.ts'
import { readLog } from '../../../shared/log/reading.ts'
import type { DistrustedTime, LogReader, LogReading } from '../../../shared/log/reading.ts'
import { EU, counted, logOf, say } from './a-log.ts'

const US = { pool: 'us-1', region: 'us-east', jurisdiction: 'us' }
/** Made ten seconds ago. */
const LIFE = { model: 'story', modelVersion: '2', createdAtMs: 100_000, expiresAtMs: 160_000 }
const READER: LogReader = {
  allowedPools: new Set(['eu-1', 'us-1']),
  nowMs: 110_000,
  refresh: false,
  mayCut: true,
  canContinue: true,
  takesStitched: true,
  distrusted: [],
}

function read(log: GenerationLog, changes: Partial<LogReader> = {}): LogReading {
  return readLog(log, LIFE, { ...READER, ...changes })
}

const TEXT = counted('a', 'b', 'c')
const STOP = say('', 4, 'stop')
const LENGTH = say('', 3, 'length')

/** Logs that are of use to everybody, unless something speaks against it. */
const USEFUL: readonly [LogReading, GenerationLog, Partial<LogReader>][] = [
  ['hit', logOf([...TEXT, STOP], { end: 'sealed' }), {}],
  ['hit', logOf(TEXT), { limit: 2 }],
  ['coalesced', logOf(TEXT), {}],
  ['extended', logOf(TEXT, { end: 'broken' }), {}],
  ['extended', logOf([...TEXT, LENGTH], { asked: 3, end: 'sealed' }), { limit: 4 }],
]

describe.each(USEFUL)('what would be %s', (reading, log, wish) => {
  test.each<[string, Partial<LogReader>, boolean]>([
    ['is where its pool is allowed', { allowedPools: new Set(['eu-1']) }, true],
    ['is a miss where its pool is not allowed', { allowedPools: new Set(['us-1']) }, false],
    ['is a miss where no pool is allowed', { allowedPools: new Set() }, false],
    ['is until its time is over', { nowMs: 159_999 }, true],
    ['is a miss when its time is over', { nowMs: 160_000 }, false],
    ['is when it is as old as the reader takes', { maxAgeSeconds: 10 }, true],
    ['is a miss when it is older than the reader takes', { maxAgeSeconds: 9 }, false],
    ['is a miss where the reader takes nothing older than now', { maxAgeSeconds: 0 }, false],
    ['is for a reader who does not take what several pools made', { takesStitched: false }, true],
  ])('%s', (_name, changes, isUseful) => {
    expect(read(log, { ...wish, ...changes })).toBe(isUseful ? reading : 'miss')
  })

  test.each<[string, DistrustedTime, boolean]>([
    ['its pool was distrusted then', { pool: 'eu-1', fromMs: 0, toMs: 200_000 }, false],
    ['another pool was', { pool: 'us-1', fromMs: 0, toMs: 200_000 }, true],
    ['its model was', { model: 'story', fromMs: 0, toMs: 200_000 }, false],
    ['another model was', { model: 'other', fromMs: 0, toMs: 200_000 }, true],
    ['its version was', { version: '2', fromMs: 0, toMs: 200_000 }, false],
    ['another version was', { version: '1', fromMs: 0, toMs: 200_000 }, true],
    ['its version of another model was', { model: 'other', version: '2', fromMs: 0, toMs: 200_000 }, true],
    ['its pool with another version was', { pool: 'eu-1', version: '1', fromMs: 0, toMs: 200_000 }, true],
    ['all of that was', { pool: 'eu-1', model: 'story', version: '2', fromMs: 0, toMs: 200_000 }, false],
    ['everything was', { fromMs: 0, toMs: 200_000 }, false],
    ['everything was from the moment it was made', { fromMs: 100_000, toMs: Infinity }, false],
    ['everything was until just then', { fromMs: 0, toMs: 100_000 }, true],
    ['everything was after it was made', { fromMs: 100_001, toMs: Infinity }, true],
  ])('is judged by what was distrusted: %s', (_name, time, isUseful) => {
    expect(read(log, { ...wish, distrusted: [time] })).toBe(isUseful ? reading : 'miss')
    const elsewhen = { fromMs: 1, toMs: 2 }
    expect(read(log, { ...wish, distrusted: [elsewhen, time] })).toBe(isUseful ? reading : 'miss')
  })
})

describe('what several pools made', () => {
  function stitched(): GenerationLog {
    const log = logOf(TEXT, { end: 'broken' })
    log.reopen(undefined)
    log.producedBy(US)
    log.append(STOP)
    log.seal()
    return log
  }

  test.each<[string, Partial<LogReader>, LogReading]>([
    ['a reader who may use both', {}, 'hit'],
    ['a reader who may not use the first', { allowedPools: new Set(['us-1']) }, 'miss'],
    ['a reader who may not use the second', { allowedPools: new Set(['eu-1']) }, 'miss'],
    ['a reader who does not take such', { takesStitched: false }, 'miss'],
    ['one of them was distrusted', { distrusted: [{ pool: 'us-1', fromMs: 0, toMs: 200_000 }] }, 'miss'],
  ])('for %s', (_name, changes, reading) => {
    expect(read(stitched(), changes)).toBe(reading)
  })

  test('is no such thing where one pool went on from itself', () => {
    const log = logOf(TEXT, { end: 'broken' })
    log.reopen(undefined)
    log.producedBy(EU)
    expect(read(log, { takesStitched: false })).toBe('coalesced')
  })
})

describe('a refresh', () => {
  test.each<[string, GenerationLog, Partial<LogReader>, LogReading]>([
    ['takes nothing that was finished before', logOf([...TEXT, STOP], { end: 'sealed' }), {}, 'miss'],
    ['goes on from nothing that was begun before', logOf(TEXT, { end: 'broken' }), {}, 'miss'],
    ['takes no beginning that is there', logOf(TEXT), { limit: 2 }, 'miss'],
    ['joins what is being made under its own limit', logOf(TEXT, { asked: 6 }), { limit: 6 }, 'coalesced'],
    ['joins what is being made without a limit', logOf(TEXT), {}, 'coalesced'],
    ['does not join what is being made under another limit', logOf(TEXT, { asked: 6 }), { limit: 9 }, 'miss'],
    ['joins nothing that its placement excludes', logOf(TEXT), { allowedPools: new Set() }, 'miss'],
  ])('%s', (_name, log, changes, reading) => {
    expect(read(log, { ...changes, refresh: true })).toBe(reading)
  })
})

describe('a log of which a part was dropped', () => {
  test.each(USEFUL)('is not read as %s', (_reading, log, wish) => {
    const summary = log.summary()
    const dropped = logOf(TEXT, summary.asked === undefined ? {} : { asked: summary.asked })
    if (log.finish !== undefined) dropped.append(log.finish === 'stop' ? STOP : LENGTH)
    if (log.state === 'sealed') dropped.seal()
    if (log.state === 'broken') dropped.break()
    dropped.drop(1)
    expect(read(dropped, wish)).toBe('miss')
    expect(read(dropped, { ...wish, refresh: true })).toBe('miss')
  })
})
