import { describe, expect, test } from 'vitest'
import { FINISH, cutAt, isWholeFor, usageOf } from '../../../shared/log/length-cut.ts'
import { counted, logOf, say, usage } from './a-log.ts'

const TEXT = counted('a', 'b', 'c')
const LENGTH = { members: FINISH.chat, finish: 'length' }
const STOP = say('', 4, 'stop')

describe('a log is cut', () => {
  test.each([
    ['an open one at an event with just this count', logOf(TEXT), 2, 2],
    ['an open one at its last event', logOf(TEXT, { asked: 9 }), 3, 3],
    [
      'a sealed one below its limit',
      logOf([...TEXT, say('', 3, 'length')], { asked: 3, end: 'sealed' }),
      2,
      2,
    ],
    ['a sealed one below its own end', logOf([...TEXT, STOP], { end: 'sealed' }), 3, 3],
    ['a broken one', logOf(TEXT, { end: 'broken' }), 1, 1],
    [
      'a broken one whose last token was there, at its own limit',
      logOf(TEXT, { asked: 3, end: 'broken' }),
      3,
      3,
    ],
    ['one that jumps, at a count that it has', logOf([say('a', 1), say('bc', 3)]), 3, 2],
    ['at the first of several events with the count', logOf([say('a', 1), say('b', 2), say('', 2)]), 2, 2],
    ['at a token that does not show', logOf([say('a', 1), say('', 2), say('é', 3)]), 2, 2],
    ['one that the pool ended, just there', logOf([...TEXT, say('', 3, 'length')], { end: 'sealed' }), 3, 3],
  ])('%s', (_name, log, limit, events) => {
    expect(cutAt(log, limit)).toEqual({ events, finish: [LENGTH] })
  })

  test('by the event for its surface', () => {
    expect(cutAt(logOf([say('a', 1, undefined, 'completions')], { surface: 'completions' }), 1)).toEqual({
      events: 1,
      finish: [
        {
          members: '{"choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"length"}]}',
          finish: 'length',
        },
      ],
    })
    expect(FINISH.chat).toBe('{"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"length"}]}')
  })

  test('without an event of ours where the pool finished there', () => {
    expect(cutAt(logOf([say('a', 1), say('b', 2, 'stop')]), 2)).toEqual({ events: 2, finish: [] })
  })

  test('with the prompt and as many tokens as there are before the cut', () => {
    expect(
      cutAt(logOf(TEXT, { usage: { promptTokens: 7, completionTokens: 3, cachedTokens: 4, raw: '{}' } }), 2)
        ?.usage,
    ).toEqual({
      promptTokens: 7,
      completionTokens: 2,
      cachedTokens: 4,
      raw: '{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,"prompt_tokens_details":{"cached_tokens":4}}',
    })
  })

  test('where it was dropped, for those who have had that', () => {
    const log = logOf(TEXT)
    log.drop(2)
    expect(cutAt(log, 2)).toEqual({ events: 2, finish: [LENGTH] })
    const ended = logOf([say('a', 1), say('b', 2, 'stop')])
    ended.drop(2)
    expect(cutAt(ended, 2)).toEqual({ events: 2, finish: [] })
  })

  test('where it once ended, as it then ended', () => {
    const end = say('c', 3, 'length')
    const log = logOf([...counted('a', 'b'), end], { asked: 3, usage: usage(3), end: 'sealed' })
    log.reopen(9)
    log.append(say('d', 4))
    expect(cutAt(log, 3)).toMatchObject({
      events: 2,
      finish: [{ members: end.members, tokens: 3, finish: 'length' }],
      usage: usage(3),
    })
  })
})

describe('a log is not cut', () => {
  test.each([
    ['for a reader without a limit', logOf(TEXT), undefined],
    ['where it has not come to yet', logOf(TEXT), 4],
    ['where its counts jump over the limit', logOf([say('a', 1), say('bc', 3)]), 2],
    ['where it has no counts', logOf([say('a'), say('b')]), 1],
    ['at the limit it is made under', logOf(TEXT, { asked: 3 }), 3],
    [
      'at the limit it was made under',
      logOf([...TEXT, say('', 3, 'length')], { asked: 3, end: 'sealed' }),
      3,
    ],
    ['where it ended by itself', logOf([...TEXT, STOP], { end: 'sealed' }), 4],
    ['where it ended by itself before the limit', logOf([...TEXT, STOP], { end: 'sealed' }), 5],
  ])('%s', (_name, log, limit) => {
    expect(cutAt(log, limit)).toBeUndefined()
  })
})

describe('a log is whole', () => {
  const stopped = [...TEXT, STOP]
  const full = [...TEXT, say('', 3, 'length')]
  const uncounted = [say('a'), say('', undefined, 'stop')]

  test.each([
    ['without limits', logOf(stopped, { end: 'sealed' }), undefined, true],
    ['under the same limit', logOf(full, { asked: 3, end: 'sealed' }), 3, true],
    ['under the same limit, uncounted', logOf(uncounted, { asked: 3, end: 'sealed' }), 3, true],
    ['when it ended by itself within the limit', logOf(stopped, { end: 'sealed' }), 4, true],
    ['not when it ended by itself beyond the limit', logOf(stopped, { end: 'sealed' }), 3, false],
    [
      'when it ended by itself, for a reader without a limit',
      logOf(stopped, { asked: 9, end: 'sealed' }),
      undefined,
      true,
    ],
    [
      'when it ended by itself within a smaller limit',
      logOf(uncounted, { asked: 3, end: 'sealed' }),
      4,
      true,
    ],
    [
      'not when it ended by itself within a larger limit, uncounted',
      logOf(uncounted, { asked: 3, end: 'sealed' }),
      2,
      false,
    ],
    ['when the counts at its end say so', logOf(uncounted, { usage: usage(2), end: 'sealed' }), 2, true],
    ['not when they say otherwise', logOf(uncounted, { usage: usage(3), end: 'sealed' }), 2, false],
    ['not when it ended by a smaller limit', logOf(full, { asked: 3, end: 'sealed' }), 4, false],
    [
      'not when it ended by its limit, for a reader without one',
      logOf(full, { asked: 3, end: 'sealed' }),
      undefined,
      false,
    ],
    [
      'not when it ended by a limit of the pool that an explicit one may lift',
      logOf(full, { end: 'sealed' }),
      4,
      false,
    ],
    ['when the pool ended it below its limit', logOf(full, { asked: 5, end: 'sealed' }), 4, true],
    [
      'when the pool ended it below its limit, for one without',
      logOf(full, { asked: 5, end: 'sealed' }),
      undefined,
      true,
    ],
    [
      'when the pool ended it below its limit, for a larger one',
      logOf(full, { asked: 5, end: 'sealed' }),
      9,
      true,
    ],
    ['not just where the pool ended it: there it is cut', logOf(full, { asked: 5, end: 'sealed' }), 3, false],
    ['not while it is open', logOf(stopped), undefined, false],
    ['not when it is broken', logOf(stopped, { end: 'broken' }), undefined, false],
  ])('%s', (_name, log, limit, expected) => {
    expect(isWholeFor(log, limit)).toBe(expected)
  })
})

test.each([
  [{ promptTokens: 7, completionTokens: 0 }, '{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}'],
  [
    { promptTokens: 7, completionTokens: 3, cachedTokens: 0 },
    '{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":0}}',
  ],
])('counts %j are written as OpenAI writes them', (counts, raw) => {
  expect(usageOf(counts)).toEqual({ ...counts, raw })
})
