/** Every end of a request is settled by a stated rule: what is charged, and what is noted as saved. */
import { describe, expect, test } from 'vitest'
import {
  entryOfRequest,
  entryOfUse,
  KINDS,
  RULES,
  type PoolUse,
  type RequestEnd,
} from '../../../shared/ledger/settlement.ts'

const PRICE = { prompt: 1, cached_prompt: 0.25, completion: 4 }
const WHOSE = { key: 'k1', model: 'story' }
const UNCOUNTED: PoolUse = {
  pool: 'eu',
  price: PRICE,
  outcome: 'completed',
  pools: 1,
  seen: { promptTokens: 90, completionTokens: 9 },
}
const COUNTED = { promptTokens: 100, cachedTokens: 40, completionTokens: 10 }
const USE: PoolUse = { ...UNCOUNTED, counted: COUNTED }

describe('what a pool was used for', () => {
  const uses: readonly [string, PoolUse, { kind: string; microdollars: number; savedPrefix: number }][] = [
    ['an answer that completed', USE, { kind: 'completed', microdollars: 110, savedPrefix: 30 }],
    [
      'one whose client left before the pool had counted: the estimate, and what was seen',
      { ...UNCOUNTED, outcome: 'client_cancelled' },
      { kind: 'cancelled', microdollars: 126, savedPrefix: 0 },
    ],
    [
      'one that broke off after its first token',
      { ...UNCOUNTED, outcome: 'truncated' },
      { kind: 'truncated', microdollars: 126, savedPrefix: 0 },
    ],
    [
      'one that stalled',
      { ...UNCOUNTED, outcome: 'stalled' },
      { kind: 'truncated', microdollars: 126, savedPrefix: 0 },
    ],
    [
      'one that two pools made: once, at the price of the one that ended it',
      { ...USE, pools: 2 },
      { kind: 'failed_over', microdollars: 110, savedPrefix: 30 },
    ],
    [
      'one that was gone on with: the prompt again, and what was added',
      { ...USE, begunTokens: 6 },
      { kind: 'extended', microdollars: 86, savedPrefix: 30 },
    ],
  ]
  test.each(uses)('%s', (_name, use, settled) => {
    expect(entryOfUse(use, WHOSE)).toMatchObject({ ...settled, requests: 0, savedHit: 0, savedCoalesced: 0 })
  })

  test('after its client had left is detached, if whoever knows says so', () => {
    expect(entryOfUse(USE, WHOSE, 'detached')).toMatchObject({ kind: 'detached', microdollars: 110 })
  })
})

describe('a request', () => {
  const known = { price: PRICE, counted: COUNTED, pool: 'eu' }
  const requests: readonly [
    string,
    RequestEnd,
    { kind: string; savedHit: number; savedCoalesced: number },
  ][] = [
    ['that was refused', {}, { kind: 'failed', savedHit: 0, savedCoalesced: 0 }],
    [
      'that was answered from a log saves what the answer had cost',
      { ...known, answer: 'hit', outcome: 'completed' },
      { kind: 'hit', savedHit: 110, savedCoalesced: 0 },
    ],
    [
      'that joined another one saves as much',
      { ...known, answer: 'coalesced', outcome: 'completed' },
      { kind: 'coalesced', savedHit: 0, savedCoalesced: 110 },
    ],
    [
      'that had an answer gone on with',
      { ...known, answer: 'extended', outcome: 'completed' },
      { kind: 'extended', savedHit: 0, savedCoalesced: 0 },
    ],
    [
      'for which an answer was made',
      { ...known, answer: 'miss', outcome: 'completed' },
      { kind: 'completed', savedHit: 0, savedCoalesced: 0 },
    ],
    [
      'whose client left',
      { ...known, answer: 'bypass', outcome: 'client_cancelled' },
      { kind: 'cancelled', savedHit: 0, savedCoalesced: 0 },
    ],
    [
      'whose answer broke off',
      { ...known, answer: 'bypass', outcome: 'timed_out' },
      { kind: 'truncated', savedHit: 0, savedCoalesced: 0 },
    ],
  ]
  test.each(requests)('%s', (_name, end, settled) => {
    const entry = entryOfRequest(end, WHOSE)
    expect(entry).toMatchObject({ ...settled, requests: 1, microdollars: 0, promptTokens: 0 })
  })
})

test('the table says for every kind what is charged: nothing for what no pool did', () => {
  const free = KINDS.filter((kind) => RULES[kind].charges === 'nothing')
  expect(free).toEqual(['failed', 'hit', 'coalesced'])
  expect(KINDS.filter((kind) => RULES[kind].charges === 'reserved')).toEqual(['lost'])
})
