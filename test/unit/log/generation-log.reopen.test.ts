import { describe, expect, test } from 'vitest'
import { restoreGenerationLog } from '../../../shared/log/generation-log.ts'
import type { GenerationLog } from '../../../shared/log/generation-log.ts'
import { counted, entriesOf, logOf, role, say, usage } from './a-log.ts'

function sizeOf(log: GenerationLog): number {
  return entriesOf(log).reduce((sum, { members }) => sum + members.length, 0)
}

describe('reopening', () => {
  test('takes back the finish of an event with text, and keeps it as the end that it was', () => {
    const finish = {
      ...say('b', 2, 'length'),
      members:
        '{"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"length","stop_reason":null}],"fp":"x"}',
    }
    const log = logOf([say('a', 1), finish], { asked: 2, usage: usage(2), end: 'sealed' })
    log.reopen(9)
    expect(log.summary()).toMatchObject({ state: 'open', asked: 9 })
    expect(log.finish).toBeUndefined()
    expect(log.entry(1)).toEqual({
      members: '{"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":null}],"fp":"x"}',
      tokens: 2,
    })
    expect(log.lengthEnds).toEqual([
      {
        limit: 2,
        events: 1,
        finish: [{ members: finish.members, tokens: 2, finish: 'length' }],
        usage: usage(2),
      },
    ])
    expect(log.size).toBe(sizeOf(log))
    expect(log.entryWithTokens(2)).toBe(1)
  })

  test('takes out a finish of its own', () => {
    const log = logOf([say('a', 1), say('', 1, 'length')], { asked: 1, end: 'sealed' })
    log.reopen(undefined)
    expect(log.asked).toBeUndefined()
    expect(entriesOf(log)).toEqual([{ members: say('a').members, tokens: 1 }])
    expect(log.lengthEnds).toEqual([
      {
        limit: 1,
        events: 1,
        finish: [{ members: say('', 1, 'length').members, tokens: 1, finish: 'length' }],
      },
    ])
    expect({ size: log.size, tokens: log.tokens }).toEqual({ size: sizeOf(log), tokens: 1 })
  })

  test('forgets a token that did not show: whoever goes on makes it again', () => {
    const log = logOf([say('a', 1), say('', 2, 'length')], { asked: 2, end: 'sealed' })
    log.reopen(3)
    expect({ tokens: log.tokens, at: log.entryWithTokens(2) }).toEqual({ tokens: 1, at: undefined })
    log.append(say('', 2))
    log.append(say('é', 3, 'length'))
    expect([1, 2, 3].map((tokens) => log.entryWithTokens(tokens))).toEqual([0, 1, 2])
    expect(log.countsEveryToken).toBe(true)
  })

  test('does so on completions', () => {
    const log = logOf([say('a', 1, 'length', 'completions')], {
      surface: 'completions',
      asked: 1,
      end: 'sealed',
    })
    log.reopen(2)
    expect(log.entry(0)?.members).toBe('{"choices":[{"index":0,"text":"a","finish_reason":null}]}')
  })

  test('a broken log leaves it as it is', () => {
    const log = logOf(counted('a', 'b'), { asked: 9, end: 'broken' })
    log.reopen(5)
    expect({ state: log.state, asked: log.asked, length: log.length, ends: log.lengthEnds }).toEqual({
      state: 'open',
      asked: 5,
      length: 2,
      ends: [],
    })
  })

  test('more than once keeps every end', () => {
    const log = logOf([say('a', 1, 'length')], { asked: 1, end: 'sealed' })
    for (const limit of [2, 3]) {
      log.reopen(limit)
      log.append(say('b', limit, 'length'))
      log.seal()
    }
    log.reopen(4)
    expect(log.lengthEnds.map(({ limit, events }) => [limit, events])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ])
  })
})

describe('dropping', () => {
  test('forgets the events before, not their number', () => {
    const log = logOf(counted('a', 'b', 'c'))
    log.drop(2)
    expect({ first: log.firstKept, length: log.length, size: log.size }).toEqual({
      first: 2,
      length: 3,
      size: sizeOf(log),
    })
    expect([0, 1, 2].map((index) => log.entry(index)?.tokens)).toEqual([undefined, undefined, 3])
    log.append(say('d', 4))
    expect(log.entryWithTokens(4)).toBe(3)
    expect(log.entry(3)?.tokens).toBe(4)
  })

  test('what was dropped before, or is not there, drops what there is', () => {
    const log = logOf(counted('a', 'b', 'c'))
    log.drop(2)
    log.drop(1)
    expect(log.firstKept).toBe(2)
    log.drop(99)
    expect({ first: log.firstKept, size: log.size }).toEqual({ first: 3, size: 0 })
  })
})

describe('restoring', () => {
  function restored(log: GenerationLog, changes: { state?: 'broken'; events?: number } = {}): GenerationLog {
    const summary = { ...log.summary(), ...(changes.state === undefined ? {} : { state: changes.state }) }
    const entries = entriesOf(log)
    return restoreGenerationLog(
      JSON.parse(JSON.stringify({ summary, entries: entries.slice(0, changes.events) })),
    )
  }

  test('gives the log that was kept', () => {
    const log = logOf([role(0), say('a', 1), say('b', 2, 'length')], {
      asked: 2,
      usage: usage(2),
      end: 'sealed',
    })
    log.reopen(3)
    log.append(say('c', 3, 'length'))
    log.seal()
    const again = restored(log)
    expect(again.summary()).toEqual(log.summary())
    expect(entriesOf(again)).toEqual(entriesOf(log))
    expect({ tokens: again.tokens, size: again.size, at: again.entryWithTokens(2) }).toEqual({
      tokens: 3,
      size: log.size,
      at: 2,
    })
  })

  test('of the beginning of a log gives neither its finish nor an end beyond it', () => {
    const log = logOf([say('a', 1), say('b', 2, 'length')], { asked: 2, end: 'sealed' })
    log.reopen(3)
    log.append(say('c', 3, 'stop'))
    log.seal()
    const one = restored(log, { state: 'broken', events: 1 })
    expect({ finish: one.finish, ends: one.lengthEnds.length, tokens: one.tokens }).toEqual({
      finish: undefined,
      ends: 1,
      tokens: 1,
    })
    expect(restored(log, { state: 'broken', events: 0 }).lengthEnds).toEqual([])
  })
})
