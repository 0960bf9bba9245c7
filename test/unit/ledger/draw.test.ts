/** The ledger's decision on a slice, for every limit; and what a limit of nothing means. */
import { describe, expect, test } from 'vitest'
import { decideDraw, freshState, type AccountState } from '../../../shared/ledger/draw.ts'
import type { Terms } from '../../../shared/ledger/terms.ts'

const NOW_MS = Date.UTC(2026, 10, 24, 23, 0, 0)
const NEED = { microdollars: 10, tokens: 100, requests: 1, places: 1 }
const WANT = { microdollars: 80, tokens: 800, requests: 8, places: 8 }

function draw(terms: Terms, changes: Partial<AccountState> = {}, nowMs = NOW_MS) {
  return decideDraw(terms, { ...freshState(terms, NOW_MS), ...changes }, { need: NEED, want: WANT }, nowMs)
}

function granted(terms: Terms, changes: Partial<AccountState> = {}) {
  const decided = draw(terms, changes)
  return decided.kind === 'granted' ? decided.granted : decided.refusal
}

const budget = (microdollars: number): Terms => ({ budget: { period: 'total', microdollars } })

describe('a slice', () => {
  test('of ample limits is what is wanted', () => {
    expect(
      granted({ ...budget(1e9), requestsPerMinute: 6e4, tokensPerMinute: 1e6, concurrent: 1000 }),
    ).toEqual(WANT)
  })

  test('of a smaller budget is a sixteenth of what is there', () => {
    expect(granted(budget(800))).toEqual({ ...WANT, microdollars: 50 })
    expect(granted(budget(800), { spent: { microdollars: 400, tokens: 0 } })).toEqual({
      ...WANT,
      microdollars: 25,
    })
  })

  test('of a budget that is almost spent is one request, even if less is left', () => {
    expect(granted(budget(100))).toEqual({ ...WANT, microdollars: 10 })
    expect(granted(budget(100), { spent: { microdollars: 99, tokens: 0 } })).toEqual({
      ...WANT,
      microdollars: 10,
    })
  })

  test('counts what others hold', () => {
    const outstanding = { microdollars: 640, tokens: 0, requests: 0, places: 0 }
    expect(granted(budget(800), { outstanding })).toEqual({ ...WANT, microdollars: 10 })
  })
})

describe('it is refused', () => {
  test.each<[string, Terms, Partial<AccountState>, object]>([
    [
      'when the budget is spent, until its period is over',
      { budget: { period: 'day', microdollars: 100 } },
      { spent: { microdollars: 100, tokens: 0 } },
      { limit: 'budget', waitMs: 3_600_000 },
    ],
    [
      'when the budget was lowered below what is spent',
      budget(50),
      { spent: { microdollars: 100, tokens: 0 } },
      { limit: 'budget', waitMs: Infinity },
    ],
    [
      'when the tokens of the budget are spent',
      { budget: { period: 'month', tokens: 5 } },
      { spent: { microdollars: 0, tokens: 5 } },
      { limit: 'budget', waitMs: 6 * 86_400_000 + 3_600_000 },
    ],
    [
      'for a moment, when the budget is not spent but held',
      budget(100),
      { outstanding: { microdollars: 100, tokens: 0, requests: 0, places: 0 } },
      { limit: 'reserved', waitMs: 1000 },
    ],
    [
      'until the next request of the minute',
      { requestsPerMinute: 60 },
      { requests: { level: 0.5, atMs: NOW_MS } },
      { limit: 'requests', waitMs: 500 },
    ],
    [
      'until there are as many tokens as it needs',
      { tokensPerMinute: 6000 },
      { tokens: { level: 40, atMs: NOW_MS } },
      { limit: 'tokens', waitMs: 600 },
    ],
    [
      'while all places are taken',
      { concurrent: 2 },
      { outstanding: { microdollars: 0, tokens: 0, requests: 0, places: 2 } },
      { limit: 'concurrent', waitMs: 1000 },
    ],
    [
      'for ever, with no requests a minute',
      { requestsPerMinute: 0 },
      {},
      { limit: 'requests', waitMs: Infinity },
    ],
    ['for ever, with no tokens a minute', { tokensPerMinute: 0 }, {}, { limit: 'tokens', waitMs: Infinity }],
    ['for ever, with no place', { concurrent: 0 }, {}, { limit: 'concurrent', waitMs: Infinity }],
    ['for ever, with no money', budget(0), {}, { limit: 'budget', waitMs: Infinity }],
  ])('%s', (_name, terms, changes, refusal) => {
    expect(draw(terms, changes)).toMatchObject({ kind: 'refused', refusal })
  })
})

test('a request larger than a minute’s tokens takes a full bucket, and those after it wait for the debt', () => {
  const terms: Terms = { tokensPerMinute: 60 }
  const first = draw(terms)
  expect(first).toMatchObject({ kind: 'granted', granted: { tokens: 100 }, tokens: { level: -40 } })
  const then = first.kind === 'granted' ? { tokens: first.tokens } : {}
  expect(draw(terms, then)).toMatchObject({ kind: 'refused', refusal: { limit: 'tokens', waitMs: 100_000 } })
})

test('a clock that goes back fills no bucket', () => {
  const terms: Terms = { requestsPerMinute: 60 }
  expect(draw(terms, { requests: { level: 0, atMs: NOW_MS } }, NOW_MS - 3_600_000)).toMatchObject({
    kind: 'refused',
  })
})

test('says what is left of the minute', () => {
  expect(draw({ requestsPerMinute: 160, tokensPerMinute: 16_000 })).toMatchObject({
    levels: { requests: 152, tokens: 15_200 },
  })
})
