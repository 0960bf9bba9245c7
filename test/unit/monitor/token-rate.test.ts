/** Tokens per second, over the last ten. */
import { expect, test } from 'vitest'
import { addTokens, NO_TOKENS, tokensPerSecond } from '../../../shared/monitor/token-rate.ts'

const T0 = 1_000_000

test('is the mean over the last ten seconds', () => {
  const rate = addTokens(addTokens(NO_TOKENS, 100, T0), 300, T0 + 3_500)
  expect(tokensPerSecond(rate, T0 + 4_000)).toBe(40)
  expect(tokensPerSecond(rate, T0 + 9_999)).toBe(40)
  expect(tokensPerSecond(rate, T0 + 10_000)).toBe(30)
  expect(tokensPerSecond(rate, T0 + 13_000)).toBe(0)
})

test('holds ten sums at most, however often is added', () => {
  let rate = NO_TOKENS
  for (let ms = 0; ms < 60_000; ms += 50) rate = addTokens(rate, 1, T0 + ms)
  expect(rate.seconds).toHaveLength(10)
  expect(tokensPerSecond(rate, T0 + 59_950)).toBe(20)
})

test.each([0, -5, Number.NaN, Number.POSITIVE_INFINITY])('%s tokens change nothing', (tokens) => {
  expect(addTokens(NO_TOKENS, tokens, T0)).toBe(NO_TOKENS)
})

test('a clock that is set back drops what would lie in the future', () => {
  const rate = addTokens(addTokens(NO_TOKENS, 100, T0), 50, T0 - 60_000)
  expect(rate.seconds).toHaveLength(1)
  expect(tokensPerSecond(rate, T0 - 60_000)).toBe(5)
})
