import { describe, expect, test } from 'vitest'
import { createGenerationLog } from '../../../shared/log/generation-log.ts'
import { EU, call, counted, entriesOf, logOf, role, say, usage } from './a-log.ts'

describe('a log', () => {
  test('begins open, empty and plain, under the limit it is made under', () => {
    expect(createGenerationLog('chat', 40).summary()).toEqual({
      surface: 'chat',
      state: 'open',
      asked: 40,
      producers: [],
      lengthEnds: [],
      isPlain: true,
    })
    expect(createGenerationLog('completions').summary()).not.toHaveProperty('asked')
  })

  test('keeps events as they came, by position, and how many characters they are', () => {
    const log = logOf([say('a', 1), say('b', 3, 'stop')])
    expect(entriesOf(log)).toEqual([
      { members: '{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}', tokens: 1 },
      {
        members: '{"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}',
        tokens: 3,
        finish: 'stop',
      },
    ])
    expect({ length: log.length, size: log.size, after: log.entry(2) }).toEqual({
      length: 2,
      size: 142,
      after: undefined,
    })
  })

  test('is plain until there is something else than text in it', () => {
    const log = logOf([role(0), say('a', 1)])
    expect(log.isPlain).toBe(true)
    log.append(call(2))
    log.append(say('b', 3))
    expect(log.isPlain).toBe(false)
  })

  test('names each pool that made it once, in order', () => {
    const log = logOf([])
    log.producedBy({ pool: 'us-1', region: 'us-east', jurisdiction: 'us' })
    log.producedBy(EU)
    expect(log.producers.map(({ pool }) => pool)).toEqual(['eu-1', 'us-1'])
  })

  test.each([
    [['stop'], 'stop'],
    [['stop', 'length'], 'length'],
    [['length', 'stop'], 'length'],
    [['tool_calls', 'stop'], 'stop'],
  ])('whose choices end by %j has ended by %s', (reasons, finish) => {
    expect(logOf(reasons.map((reason) => say('', undefined, reason))).finish).toBe(finish)
  })

  test('with several finishes in one event has ended by its limit if one of them is that', () => {
    const finishes = ['stop', 'length'].map((reason, index) => ({ index, reason }))
    expect(logOf([{ ...say('a'), finishes }]).finish).toBe('length')
  })
})

describe('its state', () => {
  const sealed = () => logOf([say('a', 1, 'stop')], { end: 'sealed' })
  const broken = () => logOf([say('a', 1)], { end: 'broken' })

  test.each<[string, () => void]>([
    ['appends to a sealed log', () => sealed().append(say('b'))],
    ['appends to a broken log', () => broken().append(say('b'))],
    ['seals a sealed log', () => sealed().seal()],
    ['seals a broken log', () => broken().seal()],
    ['seals without a finish', () => logOf([say('a')]).seal()],
    ['breaks a sealed log', () => sealed().break()],
    ['breaks a broken log', () => broken().break()],
    ['reopens an open log', () => logOf([say('a')]).reopen(9)],
    ['reopens one that ended by itself', () => sealed().reopen(9)],
    [
      'reopens one that ended before its pool was lost',
      () => logOf([say('', 1, 'stop')], { end: 'broken' }).reopen(9),
    ],
    [
      'reopens one that ended by a limit of the pool',
      () => logOf([say('a', 1, 'length')], { end: 'sealed' }).reopen(9),
    ],
    [
      'reopens one that the pool ended below its limit',
      () => logOf([say('a', 1, 'length')], { asked: 2, end: 'sealed' }).reopen(9),
    ],
  ])('throws at whoever %s', (_name, act) => {
    expect(act).toThrow(/log/)
  })

  test('throws at whoever reopens a log whose end was dropped', () => {
    const log = logOf([say('a', 1, 'length')], { asked: 1, end: 'sealed' })
    log.drop(1)
    expect(() => log.reopen(2)).toThrow('dropped')
  })

  test.each([
    ['open', logOf([say('a', 1, 'length')], { asked: 1 }), false],
    ['broken', logOf([say('a', 1, 'length')], { asked: 1, end: 'broken' }), false],
    ['ended by itself', logOf([say('a', 1, 'stop')], { asked: 1, end: 'sealed' }), false],
    ['at its limit', logOf([say('a', 1, 'length')], { asked: 1, end: 'sealed' }), true],
    [
      'at its limit, without counts',
      logOf([say('a'), say('', undefined, 'length')], { asked: 1, end: 'sealed' }),
      true,
    ],
    [
      'at its limit, which nothing of it shows',
      logOf([role(), say('', undefined, 'length')], { asked: 9, end: 'sealed' }),
      true,
    ],
    [
      'below its limit, where the model is full',
      logOf([say('a', 1, 'length')], { asked: 2, end: 'sealed' }),
      false,
    ],
    ['at a limit of the pool', logOf([say('a', 1, 'length')], { end: 'sealed' }), false],
  ])('tells whether its limit ended it: %s', (_name, log, expected) => {
    expect(log.endedByLimit).toBe(expected)
  })
})

describe('its counts', () => {
  test.each([
    ['nothing', [], 0],
    ['a role', [role()], 0],
    ['a role and its count', [role(0)], 0],
    ['counted text', [role(0), say('a', 1), say('b', 4)], 4],
    ['text without a count', [role(), say('a')], undefined],
    ['text without a count after some with one', [say('a', 1), say('b')], undefined],
    ['text with a count after some without', [say('a', 1), say('b'), say('c', 3)], 3],
    ['counted text and an empty delta', [say('a', 1), say('')], 1],
    [
      'counted text and a finish without a count, which may be a token',
      [say('a', 1), say('', undefined, 'stop')],
      undefined,
    ],
    ['a finish with nothing before it', [say('', undefined, 'length')], undefined],
    ['a call without a count', [say('a', 1), call()], undefined],
  ])('of %s', (_name, frames, tokens) => {
    const log = logOf(frames)
    expect(log.tokens).toBe(tokens)
    expect(log.entry(log.length - 1)?.tokens).toBe(frames.length === 0 ? undefined : tokens)
  })

  test.each([
    ['of nothing', [], false],
    ['of a role alone, which says nothing of what comes', [role(0)], false],
    ['one by one', [role(0), ...counted('a', 'b', 'c')], true],
    ['one by one, some of which do not show', [say('a', 1), say('', 2), say('b', 3)], true],
    ['of two at once', [say('a', 1), say('bc', 3), say('d', 4)], false],
    ['that begin at two', [say('ab', 2)], false],
    ['with one left out', [say('a', 1), say('b'), say('c', 3)], false],
    ['that stop', [say('a', 1), say('b')], false],
  ])('tell whether a limit can be jumped over unseen: %s', (_name, frames, expected) => {
    expect(logOf(frames).countsEveryToken).toBe(expected)
  })

  test('are found by the first event that states them', () => {
    const log = logOf([role(0), say('a', 1), say('bc', 3), say('', 3, 'stop')])
    expect([1, 2, 3, 4].map((tokens) => log.entryWithTokens(tokens))).toEqual([1, undefined, 2, undefined])
  })

  test('are where they were first, also where the next pool makes tokens again that did not show', () => {
    const log = logOf([say('a', 1), say('', 2), say('', 3), say('', 2), say('', 3), say('世', 4)])
    expect([1, 2, 3, 4].map((tokens) => log.entryWithTokens(tokens))).toEqual([0, 1, 2, 5])
    expect(log.countsEveryToken).toBe(true)
  })

  test('are for all of it when it is sealed, or unknown', () => {
    const late = logOf([say('a', 1)], { usage: usage(1) })
    late.append(say('b'))
    late.append(say('', undefined, 'stop'))
    expect(late.usage).toEqual(usage(1))
    late.seal()
    expect(late.usage).toBeUndefined()
    expect(logOf([say('a', 1, 'stop')], { usage: usage(1), end: 'sealed' }).usage).toEqual(usage(1))
  })
})
