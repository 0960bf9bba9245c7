import { describe } from 'vitest'
import { call, logOf, role, say, usage } from './a-log.ts'
import {
  CONTINUED,
  CONTINUED_LATER,
  CUT,
  CUT_LATER,
  HIT,
  JOINED,
  JUMP,
  LENGTH,
  MISS,
  STOP,
  TEXT,
  UNCOUNTED,
  describeTable,
} from './reading-table.ts'

describe('a broken log', () => {
  describeTable('under a limit', logOf(TEXT, { asked: 6, end: 'broken' }), [
    [6, CONTINUED],
    [4, CONTINUED],
    [9, CONTINUED],
    [undefined, CONTINUED],
    [3, CUT],
    [1, CUT],
  ])
  describeTable('under no limit', logOf(TEXT, { end: 'broken' }), [
    [undefined, CONTINUED],
    [6, CONTINUED],
    [3, CUT],
  ])
  describeTable('whose counts jump', logOf(JUMP, { asked: 6, end: 'broken' }), [
    [6, CONTINUED],
    [3, CUT],
    [2, MISS],
  ])
  describeTable('that was not counted', logOf(UNCOUNTED, { asked: 6, end: 'broken' }), [
    [undefined, CONTINUED],
    [6, MISS],
    [9, MISS],
  ])
  describeTable(
    'whose last part was not counted',
    logOf([...TEXT, say('d')], { asked: 6, usage: usage(3), end: 'broken' }),
    [
      [undefined, CONTINUED],
      [6, MISS],
      [3, CUT],
    ],
  )
  describeTable('whose last token was there', logOf(TEXT, { asked: 3, end: 'broken' }), [
    [3, CUT],
    [4, CONTINUED],
  ])
  describeTable('with nothing in it', logOf([role(0)], { asked: 6, end: 'broken' }), [
    [6, MISS],
    [undefined, MISS],
  ])
  describeTable('that had ended', logOf([...TEXT, STOP], { asked: 6, end: 'broken' }), [
    [6, MISS],
    [9, MISS],
    [undefined, MISS],
    [3, CUT],
  ])
  describeTable('with something else than text in it', logOf([call(1)], { asked: 6, end: 'broken' }), [
    [6, MISS],
  ])
})

describe('an open log', () => {
  describeTable('under no limit', logOf(TEXT), [
    [undefined, JOINED],
    [4, CUT_LATER],
    [3, CUT],
    [1, CUT],
  ])
  describeTable('under a limit', logOf(TEXT, { asked: 6 }), [
    [6, JOINED],
    [9, CONTINUED_LATER],
    [4, CUT_LATER],
    [3, CUT],
    [undefined, MISS],
  ])
  describeTable('that is not counted', logOf(UNCOUNTED, { asked: 6 }), [
    [6, JOINED],
    [9, CONTINUED_LATER],
    [4, MISS],
    [undefined, MISS],
  ])
  describeTable('with nothing in it yet', logOf([], { asked: 6 }), [
    [6, JOINED],
    [9, CONTINUED_LATER],
    [4, MISS],
    [undefined, MISS],
  ])
  describeTable('whose counts jump', logOf(JUMP, { asked: 6 }), [
    [6, JOINED],
    [9, CONTINUED_LATER],
    [4, MISS],
    [3, CUT],
    [2, MISS],
  ])
  describeTable('with something else than text in it', logOf([call(1)], { asked: 6 }), [
    [6, JOINED],
    [9, MISS],
    [4, MISS],
  ])
  const extended = logOf([...TEXT, LENGTH], { asked: 3, end: 'sealed' })
  extended.reopen(6)
  describeTable('that is being continued', extended, [
    [3, HIT],
    [6, JOINED],
    [9, CONTINUED_LATER],
    [4, CUT_LATER],
    [2, CUT],
    [undefined, MISS],
  ])
})
