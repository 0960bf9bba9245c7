/** What is set aside for an answer without a limit: what 95 of 100 such answers stayed within, at most a fifth more. */
import { expect, test } from 'vitest'
import {
  addOutput,
  bucketOf,
  sizeOf,
  usualOutputTokens,
  type OutputSizes,
} from '../../../shared/ledger/output-sizes.ts'

function seen(...tokens: readonly number[]): OutputSizes {
  return tokens.reduce<OutputSizes>((sizes, each) => addOutput(sizes, bucketOf(each), 1), new Map())
}

test('a size is in a bucket that reaches to it, and no further than a fifth and a token', () => {
  for (let tokens = 1; tokens < 5000; tokens += 1) {
    const size = sizeOf(bucketOf(tokens))
    expect(size).toBeGreaterThanOrEqual(tokens)
    expect(size).toBeLessThanOrEqual(tokens * 1.2 + 1)
  }
  expect(bucketOf(0)).toBe(0)
})

test('it is what 95 of 100 stayed within', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => (index < 95 ? 100 : 9000))
  expect(usualOutputTokens(seen(...hundred))).toBe(115)
  expect(usualOutputTokens(seen(...hundred, 9000))).toBe(9101)
})

test('nobody knows from a few', () => {
  expect(usualOutputTokens(seen(...Array.from({ length: 19 }, () => 10)))).toBeUndefined()
  expect(usualOutputTokens(seen(...Array.from({ length: 20 }, () => 10)))).toBe(11)
})

test('what has become usual shows, although there were many others before', () => {
  const before = addOutput(new Map(), bucketOf(5000), 2_000)
  const after = Array.from({ length: 20 }).reduce<OutputSizes>(
    (sizes) => addOutput(sizes, bucketOf(10), 1_001),
    before,
  )
  expect(usualOutputTokens(after)).toBe(11)
})
