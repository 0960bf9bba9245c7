import { describe } from 'vitest'
import { call, logOf, say, usage } from './a-log.ts'
import {
  CONTINUED,
  CUT,
  HIT,
  JUMP,
  LENGTH,
  MISS,
  STOP,
  TEXT,
  UNCOUNTED,
  UNCOUNTED_LENGTH,
  UNCOUNTED_STOP,
  describeTable,
} from './reading-table.ts'

describe('a sealed log', () => {
  describeTable('that ended by itself under no limit', logOf([...TEXT, STOP], { end: 'sealed' }), [
    [undefined, HIT],
    [5, HIT],
    [4, HIT],
    [3, CUT],
    [1, CUT],
  ])
  describeTable('that ended by itself under a limit', logOf([...TEXT, STOP], { asked: 6, end: 'sealed' }), [
    [undefined, HIT],
    [9, HIT],
    [6, HIT],
    [5, HIT],
    [4, HIT],
    [3, CUT],
  ])
  describeTable(
    'that ended by a tool call',
    logOf([call(3), say('', 4, 'tool_calls')], { asked: 6, end: 'sealed' }),
    [
      [undefined, HIT],
      [6, HIT],
      [4, HIT],
      [2, MISS],
    ],
  )
  describeTable(
    'that ended by itself, counted at its end only',
    logOf([...UNCOUNTED, UNCOUNTED_STOP], { usage: usage(4), end: 'sealed' }),
    [
      [undefined, HIT],
      [5, HIT],
      [4, HIT],
      [3, MISS],
    ],
  )
  describeTable(
    'that ended by itself and was never counted',
    logOf([...UNCOUNTED, UNCOUNTED_STOP], { end: 'sealed' }),
    [
      [undefined, HIT],
      [1000, MISS],
    ],
  )
  describeTable(
    'that ended by itself within its limit and was never counted',
    logOf([...UNCOUNTED, UNCOUNTED_STOP], { asked: 6, end: 'sealed' }),
    [
      [undefined, HIT],
      [6, HIT],
      [7, HIT],
      [5, MISS],
    ],
  )
  describeTable('whose counts jump', logOf([...JUMP, STOP], { end: 'sealed' }), [
    [4, HIT],
    [3, CUT],
    [2, MISS],
    [1, CUT],
  ])
  describeTable('that ended by its limit', logOf([...TEXT, LENGTH], { asked: 3, end: 'sealed' }), [
    [3, HIT],
    [2, CUT],
    [4, CONTINUED],
    [undefined, MISS],
  ])
  describeTable(
    'that ended by its limit, counted at its end only',
    logOf([...UNCOUNTED, UNCOUNTED_LENGTH], { asked: 3, usage: usage(3), end: 'sealed' }),
    [
      [3, HIT],
      [2, MISS],
      [4, CONTINUED],
      [undefined, MISS],
    ],
  )
  describeTable(
    'that ended by its limit and was never counted',
    logOf([...UNCOUNTED, UNCOUNTED_LENGTH], { asked: 3, end: 'sealed' }),
    [
      [3, HIT],
      [2, MISS],
      [4, MISS],
      [undefined, MISS],
    ],
  )
  describeTable('that ended by a limit of the pool', logOf([...TEXT, LENGTH], { end: 'sealed' }), [
    [undefined, HIT],
    [3, CUT],
    [2, CUT],
    [4, MISS],
  ])
  describeTable(
    'that ended below its limit, where the model was full',
    logOf([...TEXT, LENGTH], { asked: 6, end: 'sealed' }),
    [
      [6, HIT],
      [9, HIT],
      [undefined, HIT],
      [4, HIT],
      [3, CUT],
      [2, CUT],
    ],
  )
  describeTable(
    'that ended by its limit with something else than text in it',
    logOf([call(2), say('', 3, 'length')], { asked: 3, end: 'sealed' }),
    [
      [3, HIT],
      [4, MISS],
    ],
  )
})

describe('a log that was continued', () => {
  const log = logOf([...UNCOUNTED, UNCOUNTED_LENGTH], { asked: 3, usage: usage(3), end: 'sealed' })
  log.reopen(6)
  log.append(say('d', 4))
  log.append(say('', 5, 'stop'))
  log.seal()
  describeTable('still has the end it once had', log, [
    [3, HIT],
    [6, HIT],
    [2, MISS],
    [undefined, HIT],
  ])
})
