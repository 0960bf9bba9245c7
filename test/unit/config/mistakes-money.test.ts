/** One row per mistake in prices, limits and budgets: the edits that make it, and the lines it prints. */
import { expect, test } from 'vitest'
import { linesFor } from './mistakes.ts'
import type { Mistake } from './mistakes.ts'

const MISTAKES: readonly Mistake[] = [
  {
    mistake: 'a price that is not a number of millionths',
    edits: [['pools.0.price', { prompt: 0.0000001 }]],
    prints: ['pools[0] ("eu-1").price.prompt: 1e-7 has more than six decimals; round it to six'],
  },
  {
    mistake: 'a budget without an amount',
    edits: [['tenants.1.budget', { period: 'day' }]],
    prints: ['tenants[1] ("eu-bank").budget: it has no amount; give it dollars or tokens, or remove it'],
  },
  {
    mistake: 'a budget without a period',
    edits: [['tenants.1.budget', { dollars: 5 }]],
    prints: ['tenants[1] ("eu-bank").budget.period: missing; give one of day, month, total'],
  },
  {
    mistake: 'a limit below nothing',
    edits: [['tenants.1.limits', { rpm: -1 }]],
    prints: ['tenants[1] ("eu-bank").limits.rpm: -1 does not fit; give a whole number from 0 to 100000000'],
  },
  {
    mistake: 'a budget of a key with too many decimals',
    edits: [['tenants.0.keys.0.budget', { period: 'total', dollars: 0.1234567 }]],
    prints: [
      'tenants[0] ("demo").keys[0] ("k1").budget.dollars: 0.1234567 has more than six decimals; round it to six',
    ],
  },
]

test.each(MISTAKES)('$mistake', ({ edits, prints }) => {
  expect(linesFor(edits)).toEqual(prints)
})

test('limits of nothing are no mistake', () => {
  expect(
    linesFor([
      ['tenants.1.limits', { rpm: 0, tpm: 0, concurrent: 0 }],
      ['tenants.1.budget', { period: 'total', dollars: 0 }],
    ]),
  ).toEqual([])
})

test('a limited tenant whose home cannot be enforced is told that nobody can count for it', () => {
  expect(
    linesFor(
      [
        ['regions.0.jurisdiction', 'sg'],
        ['tenants.1.floor', { jurisdictions: ['sg'] }],
        ['tenants.1.limits', { rpm: 5 }],
      ],
      { kind: 'cloudflare' },
    ).filter((line) => line.includes('nobody can count')),
  ).toHaveLength(1)
})
