import { describe, expect, test } from 'vitest'
import type { GenerationLog } from '../../../shared/log/generation-log.ts'
import { FINISH } from '../../../shared/log/length-cut.ts'
import { readOn } from '../../../shared/log/read-on.ts'
import { counted, logOf, role, say, usage } from './a-log.ts'

const TEXT = counted('a', 'b', 'c')
const UNCOUNTED = [role(), say('a'), say('b'), say('c')]
const STOP = say('', 4, 'stop')
const LENGTH = say('', 3, 'length')
const ALL = 100_000
/** Characters of one event of one letter. */
const ONE = say('a').members.length

function piece(log: GenerationLog, limit: number | undefined, events = 0, maxCharacters = ALL) {
  const { entries, ...rest } = readOn(
    log,
    { events, ...(limit === undefined ? {} : { limit }) },
    maxCharacters,
  )
  return { text: entries.map(({ members }) => textOf(members)).join(''), ...rest }
}

/** The letter of an event, or its finish. */
function textOf(members: string): string {
  const [choice] = JSON.parse(members).choices
  return `${choice.delta.content ?? ''}${choice.finish_reason === null ? '' : (choice.finish_reason ?? '')}`
}

describe('what comes next, and then', () => {
  test.each<[string, GenerationLog, number | undefined, string, string]>([
    ['an open log', logOf(TEXT), undefined, 'abc', 'wait'],
    ['an open log with nothing in it', logOf([]), undefined, '', 'wait'],
    ['an open log that has its finish', logOf([...TEXT, STOP]), undefined, 'abcstop', 'wait'],
    [
      'an open log under the same limit that has its finish',
      logOf([...TEXT, LENGTH], { asked: 3 }),
      3,
      'abclength',
      'wait',
    ],
    ['an open log below the limit', logOf(TEXT), 4, 'abc', 'wait'],
    ['an open log at the limit', logOf(TEXT), 3, 'abclength', 'whole'],
    ['an open log beyond the limit', logOf(TEXT), 2, 'ablength', 'whole'],
    ['an open log that jumps over the limit', logOf([say('a', 1), say('bc', 3)]), 2, 'a', 'overshot'],
    ['an open log that ended by a smaller limit', logOf([...TEXT, LENGTH], { asked: 3 }), 9, 'abc', 'wait'],
    [
      'an open log that ended by its limit, without one',
      logOf([...TEXT, LENGTH], { asked: 3 }),
      undefined,
      'abc',
      'wait',
    ],
    ['an open log without counts, under a smaller limit', logOf(UNCOUNTED, { asked: 3 }), 9, 'abc', 'wait'],
    ['an open log without counts, under a larger limit', logOf(UNCOUNTED, { asked: 9 }), 3, '', 'overshot'],
    ['an open log without counts, under no limit', logOf(UNCOUNTED), 3, '', 'overshot'],
    ['an open log that counts no more', logOf([...TEXT, say('d'), say('e')]), 9, 'abc', 'overshot'],
    ['a sealed log', logOf([...TEXT, STOP], { end: 'sealed' }), undefined, 'abcstop', 'whole'],
    ['a sealed log within the limit', logOf([...TEXT, STOP], { end: 'sealed' }), 9, 'abcstop', 'whole'],
    ['a sealed log beyond the limit', logOf([...TEXT, STOP], { end: 'sealed' }), 2, 'ablength', 'whole'],
    [
      'a sealed log that jumps over the limit',
      logOf([say('abc', 4, 'stop')], { end: 'sealed' }),
      2,
      '',
      'overshot',
    ],
    [
      'a sealed log under the same limit',
      logOf([...TEXT, LENGTH], { asked: 3, end: 'sealed' }),
      3,
      'abclength',
      'whole',
    ],
    [
      'a sealed log under a smaller limit',
      logOf([...TEXT, LENGTH], { asked: 3, end: 'sealed' }),
      9,
      'abc',
      'short',
    ],
    [
      'a sealed log under a limit, without one',
      logOf([...TEXT, LENGTH], { asked: 3, end: 'sealed' }),
      undefined,
      'abc',
      'short',
    ],
    [
      'a sealed log under a smaller limit whose last text has the finish',
      logOf([say('a', 1), say('b', 2, 'length')], { asked: 2, end: 'sealed' }),
      9,
      'a',
      'short',
    ],
    [
      'a sealed log under a larger limit without counts',
      logOf([...UNCOUNTED, say('', undefined, 'length')], { asked: 9, end: 'sealed' }),
      3,
      '',
      'overshot',
    ],
    [
      'a sealed log without counts that is within the limit',
      logOf([...UNCOUNTED, say('', undefined, 'stop')], { usage: usage(4), end: 'sealed' }),
      4,
      'abcstop',
      'whole',
    ],
    ['a sealed log that the pool ended', logOf([...TEXT, LENGTH], { end: 'sealed' }), 9, 'abc', 'overshot'],
    [
      'a sealed log that the pool ended, without a limit',
      logOf([...TEXT, LENGTH], { end: 'sealed' }),
      undefined,
      'abclength',
      'whole',
    ],
    [
      'a sealed log that the pool ended below its limit',
      logOf([...TEXT, LENGTH], { asked: 6, end: 'sealed' }),
      9,
      'abclength',
      'whole',
    ],
    ['a broken log', logOf(TEXT, { end: 'broken' }), undefined, 'abc', 'broken'],
    ['a broken log at the limit', logOf(TEXT, { asked: 3, end: 'broken' }), 3, 'abclength', 'whole'],
    ['a broken log beyond the limit', logOf(TEXT, { end: 'broken' }), 1, 'alength', 'whole'],
    [
      'a broken log that had ended by a smaller limit',
      logOf([...TEXT, LENGTH], { asked: 3, end: 'broken' }),
      9,
      'abc',
      'broken',
    ],
  ])('of %s', (_name, log, limit, text, after) => {
    expect(piece(log, limit)).toMatchObject({ text, after })
  })
})

describe('a piece', () => {
  const log = logOf([...TEXT, STOP], { end: 'sealed' })

  test.each([
    ['whole events, as many as fit', 0, 2 * ONE, 'ab', 2, 'more'],
    ['one event less where they do not quite fit', 0, 2 * ONE - 1, 'a', 1, 'more'],
    ['one event that does not fit', 1, 1, 'b', 2, 'more'],
    ['what is left', 2, ALL, 'cstop', 4, 'whole'],
    ['nothing, at the end', 4, ALL, '', 4, 'whole'],
  ])('has %s', (_name, from, characters, text, events, after) => {
    expect(piece(log, undefined, from, characters)).toEqual({ text, events, total: 4, after })
  })

  test('counts the end that a cut makes among the events', () => {
    expect(piece(log, 2)).toEqual({ text: 'ablength', events: 3, total: 3, after: 'whole' })
    expect(piece(log, 2, 0, 2 * ONE)).toEqual({ text: 'ab', events: 2, total: 3, after: 'more' })
    expect(piece(log, 2, 2)).toMatchObject({ text: 'length', events: 3, after: 'whole' })
    expect(piece(log, 2, 3)).toMatchObject({ text: '', events: 3, after: 'whole' })
    expect(readOn(log, { events: 2, limit: 2 }, ALL).entries).toEqual([
      { members: FINISH.chat, finish: 'length' },
    ])
  })
})

describe('the counts', () => {
  test.each<[string, GenerationLog, number | undefined, number | undefined]>([
    ['of a whole log are its own', logOf([...TEXT, STOP], { usage: usage(4), end: 'sealed' }), undefined, 4],
    ['of a cut one are as many as it has', logOf([...TEXT, STOP], { usage: usage(4), end: 'sealed' }), 2, 2],
    ['of a broken one are the last stated', logOf(TEXT, { usage: usage(3), end: 'broken' }), undefined, 3],
    ['of an open one are not its last', logOf(TEXT, { usage: usage(3) }), undefined, undefined],
    [
      'of a short one neither',
      logOf([...TEXT, LENGTH], { asked: 3, usage: usage(3), end: 'sealed' }),
      9,
      undefined,
    ],
    ['that nobody stated are unknown', logOf([...TEXT, STOP], { end: 'sealed' }), undefined, undefined],
  ])('%s', (_name, log, limit, tokens) => {
    expect(piece(log, limit).usage?.completionTokens).toBe(tokens)
  })
})

describe('a log that is continued', () => {
  function extended(finish: 'own' | 'with text'): GenerationLog {
    const [a, b] = counted('a', 'b')
    const frames = finish === 'own' ? [a, b, say('', 2, 'length')] : [a, say('b', 2, 'length')]
    const log = logOf(
      frames.filter((frame) => frame !== undefined),
      { asked: 2, usage: usage(2), end: 'sealed' },
    )
    log.reopen(4)
    log.append(say('c', 3))
    return log
  }

  test.each(['own', 'with text'] as const)(
    'still ends where it ended for a reader of that limit (%s)',
    (finish) => {
      const log = extended(finish)
      expect(piece(log, 2)).toMatchObject({ text: 'ablength', after: 'whole', usage: usage(2) })
      expect(piece(log, 2, 1)).toMatchObject({ text: 'blength', after: 'whole' })
    },
  )

  test.each(['own', 'with text'] as const)('goes on for the others from where they were (%s)', (finish) => {
    const log = extended(finish)
    const from = finish === 'own' ? 2 : 1
    expect(piece(log, 4, from)).toMatchObject({ text: finish === 'own' ? 'c' : 'bc', after: 'wait' })
    expect(piece(log, 3, from)).toMatchObject({
      text: finish === 'own' ? 'clength' : 'bclength',
      after: 'whole',
    })
  })
})

describe('a log of which a part was dropped', () => {
  const log = logOf(TEXT)
  log.drop(2)

  test.each([
    ['a reader who is behind', undefined, 1, '', 'gone'],
    ['a reader who is just there', undefined, 2, 'c', 'wait'],
    ['a reader who has all of it but the end that its limit makes', 2, 2, 'length', 'whole'],
  ])('for %s', (_name, limit, events, text, after) => {
    expect(piece(log, limit, events)).toMatchObject({ text, after })
  })
})

test('a reader who is ahead of a log that lost its end gets nothing twice', () => {
  expect(piece(logOf(TEXT, { end: 'broken' }), undefined, 9)).toMatchObject({
    text: '',
    events: 9,
    after: 'broken',
  })
})

test('a stop that no token makes ends a log by its limit for those who came before it', () => {
  // No engine is known that does not count the token that ends its answer; both ends are right.
  const log = logOf([...TEXT])
  expect(piece(log, 3).text).toBe('abclength')
  log.append(say('', 3, 'stop'))
  log.seal()
  expect(piece(log, 3).text).toBe('abcstop')
})
