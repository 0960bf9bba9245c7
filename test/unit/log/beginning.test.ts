import { expect, test } from 'vitest'
import { beginningOf } from '../../../shared/log/beginning.ts'
import type { PartialAnswer } from '../../../shared/log/continuation.ts'
import type { GenerationLog } from '../../../shared/log/generation-log.ts'
import { call, counted, logOf, role, say, usage } from './a-log.ts'

const STOP = say('', 3, 'stop')
const dropped = logOf(counted('a', 'b'), { end: 'broken' })
dropped.drop(1)
const reopened = logOf([say('a', 1), say('b', 2, 'length')], { asked: 2, end: 'sealed' })
reopened.reopen(9)
reopened.append(say('c', 3))
reopened.break()

test.each<[string, GenerationLog, PartialAnswer | undefined]>([
  ['counted text', logOf([role(0), ...counted('a', 'b')], { end: 'broken' }), { text: 'ab', tokens: 2 }],
  ['text without counts', logOf([role(), say('a')], { end: 'broken' }), { text: 'a' }],
  [
    'text of which the end has no counts',
    logOf([say('a', 1), say('b')], { usage: usage(1), end: 'broken' }),
    { text: 'ab' },
  ],
  [
    'text that was counted when it had ended',
    logOf([say('a'), say('b', undefined, 'length')], { asked: 2, usage: usage(2), end: 'sealed' }),
    { text: 'ab', tokens: 2 },
  ],
  [
    'text that ended by its limit',
    logOf([...counted('a', 'b'), say('', 2, 'length')], { asked: 2, end: 'sealed' }),
    { text: 'ab', tokens: 2 },
  ],
  ['text that was continued before', reopened, { text: 'abc', tokens: 3 }],
  [
    'completions',
    logOf([say('a', 1, undefined, 'completions')], { surface: 'completions', end: 'broken' }),
    { text: 'a', tokens: 1 },
  ],
  // The pool that goes on from the text makes these tokens again.
  [
    'text before a token that does not show',
    logOf([say('a', 1), say('', 2)], { end: 'broken' }),
    { text: 'a', tokens: 1 },
  ],
  [
    'text before a last token that does not show',
    logOf([say('a', 1), say('', 2, 'length')], { asked: 2, end: 'sealed' }),
    { text: 'a', tokens: 1 },
  ],
  [
    'text with tokens within that do not show',
    logOf([say('', 1), say('é', 2)], { end: 'broken' }),
    { text: 'é', tokens: 2 },
  ],
  [
    'half a character',
    logOf([say('a', 1), say('\ud83d', 2)], { end: 'broken' }),
    { text: 'a\ud83d', tokens: 1 },
  ],
  ['half a character without counts', logOf([say('a\ud83d')], { end: 'broken' }), { text: 'a\ud83d' }],
  ['nothing', logOf([], { end: 'broken' }), undefined],
  ['a role', logOf([role(0)], { end: 'broken' }), undefined],
  ['a token that does not show', logOf([say('', 1)], { end: 'broken' }), undefined],
  ['a call', logOf([say('a', 1), call(2)], { end: 'broken' }), undefined],
  ['text of which a part was dropped', dropped, undefined],
  [
    'text that had ended when its pool was lost',
    logOf([...counted('a', 'b'), STOP], { end: 'broken' }),
    undefined,
  ],
])('what there is of %s', (_name, log, beginning) => {
  expect(beginningOf(log)).toEqual(beginning)
})
