/** What an isolate tells its ledger: sums, under names that make each of them count once. */
import { expect, test } from 'vitest'
import { acknowledged, EMPTY_OUTBOX, isEmpty, seal, withNews } from '../../../shared/ledger/batch.ts'
import { NO_USAGE } from '../../../shared/ledger/usage.ts'

const entry = {
  ...NO_USAGE,
  model: 'story',
  pool: 'eu',
  key: 'k1',
  kind: 'completed',
  requests: 1,
  microdollars: 7,
}
const amounts = { microdollars: 7, tokens: 9, requests: 1, places: 0 }
const release = { slice: 's1', amounts, unused: { tokens: 2, requests: 0 } }

test('a batch is as large as there are names, however many requests there were', () => {
  let outbox = EMPTY_OUTBOX
  for (let count = 0; count < 1000; count += 1) {
    outbox = withNews(outbox, {
      entries: [entry],
      releases: [release],
      outputs: [{ model: 'story', bucket: 3, count: 1 }],
    })
  }
  expect(seal(outbox, 'b1').sealed).toEqual([
    {
      id: 'b1',
      entries: [{ ...entry, requests: 1000, microdollars: 7000 }],
      releases: [
        {
          slice: 's1',
          amounts: { microdollars: 7000, tokens: 9000, requests: 1000, places: 0 },
          unused: { tokens: 2000, requests: 0 },
        },
      ],
      voids: [],
      outputs: [{ model: 'story', bucket: 3, count: 1000 }],
    },
  ])
})

test('what was sealed is not added to, and stays until it is acknowledged', () => {
  const first = seal(withNews(EMPTY_OUTBOX, { entries: [entry] }), 'b1')
  const second = seal(withNews(first, { entries: [entry] }), 'b2')
  expect(second.sealed.map(({ id, entries }) => [id, entries[0]?.requests])).toEqual([
    ['b1', 1],
    ['b2', 1],
  ])
  const left = acknowledged(second, 'b1')
  expect(isEmpty(left)).toBe(false)
  expect(isEmpty(acknowledged(left, 'b2'))).toBe(true)
})

test('of nothing no batch is made', () => {
  expect(seal(EMPTY_OUTBOX, 'b1')).toEqual(EMPTY_OUTBOX)
})
