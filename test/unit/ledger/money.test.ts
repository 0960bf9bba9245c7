/** Money is exact: decimals of the config become integers, and costs are sums of integers. */
import { expect, test } from 'vitest'
import fc from 'fast-check'
import { costOf, hasMillionths, microdollarsOf, savedByPrefix } from '../../../shared/ledger/money.ts'

const PRICE = { prompt: 0.15, cached_prompt: 0.075, completion: 0.6 }

test.each([
  ['a prompt', { promptTokens: 1000, completionTokens: 0 }, 150],
  ['an answer', { promptTokens: 0, completionTokens: 1000 }, 600],
  ['a prompt of which most was cached', { promptTokens: 1000, cachedTokens: 800, completionTokens: 0 }, 90],
  ['a part of a micro-dollar, rounded up', { promptTokens: 1, completionTokens: 0 }, 1],
  ['nothing', { promptTokens: 0, completionTokens: 0 }, 0],
  ['more cached than there was', { promptTokens: 10, cachedTokens: 1000, completionTokens: 0 }, 1],
])('%s costs what the table says', (_name, tokens, microdollars) => {
  expect(costOf(PRICE, tokens)).toBe(microdollars)
})

test('large counts at large prices lose no digit', () => {
  const price = { prompt: 123_456.789_012, cached_prompt: 0, completion: 0 }
  expect(costOf(price, { promptTokens: 10_000_001, completionTokens: 0 })).toBe(1_234_568_013_577)
})

test('a sum of costs is never less than the cost of the sum, and at most a micro-dollar a request more', () => {
  const tokens = fc.record({ promptTokens: fc.nat(100_000), completionTokens: fc.nat(100_000) })
  fc.assert(
    fc.property(fc.array(tokens, { minLength: 1, maxLength: 30 }), (requests) => {
      const sum = requests.reduce((total, request) => total + costOf(PRICE, request), 0)
      const whole = costOf(PRICE, {
        promptTokens: requests.reduce((total, request) => total + request.promptTokens, 0),
        completionTokens: requests.reduce((total, request) => total + request.completionTokens, 0),
      })
      expect(sum).toBeGreaterThanOrEqual(whole)
      expect(sum - whole).toBeLessThanOrEqual(requests.length)
    }),
  )
})

test('a prefix that was cached saves the difference of the prices, and never less than nothing', () => {
  expect(savedByPrefix(PRICE, { promptTokens: 1000, cachedTokens: 800, completionTokens: 5 })).toBe(60)
  expect(
    savedByPrefix(
      { ...PRICE, cached_prompt: 1 },
      { promptTokens: 10, cachedTokens: 10, completionTokens: 0 },
    ),
  ).toBe(0)
})

test('decimals of the config are millionths, or are none', () => {
  expect([0.1, 0.3, 1.000001, 12.5, 0.0000015].map(hasMillionths)).toEqual([true, true, true, true, false])
  expect([0.1, 0.29, 12.5, 1_000_000].map(microdollarsOf)).toEqual([100_000, 290_000, 12_500_000, 1e12])
})
