import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apportion } from '../../../shared/embedding/apportion.ts'

test.each([
  [10, [1, 1], [5, 5]],
  [10, [1, 1, 1], [4, 3, 3]],
  [7, [5, 3, 2], [4, 2, 1]],
  [3, [0, 1, 0], [0, 3, 0]],
  [1, [1, 1, 1], [1, 0, 0]],
  [0, [3, 4], [0, 0]],
  [5, [0, 0], [3, 2]],
  [9, [7], [9]],
  [0, [], []],
])('%j over %j is %j', (total, weights, shares) => {
  expect(apportion(total, weights)).toEqual(shares)
})

test('the shares are the total, and each is within one of its exact part', () => {
  fc.assert(
    fc.property(
      fc.nat(10_000_000),
      fc.array(fc.nat(100_000), { minLength: 1, maxLength: 300 }),
      (total, weights) => {
        const shares = apportion(total, weights)
        const sum = weights.reduce((all, weight) => all + weight, 0)
        fc.pre(sum > 0)
        expect(shares.reduce((all, share) => all + share, 0)).toBe(total)
        for (const [index, share] of shares.entries()) {
          expect(Number.isInteger(share)).toBe(true)
          expect(Math.abs(share - (total * (weights[index] ?? 0)) / sum)).toBeLessThan(1)
        }
      },
    ),
  )
})

test('a heavier input never costs less', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.array(fc.nat(50), { minLength: 2, maxLength: 20 }), (total, weights) => {
      const shares = apportion(total, weights)
      for (const [i, weight] of weights.entries()) {
        for (const [j, other] of weights.entries()) {
          if (weight > other) expect(shares[i] ?? 0).toBeGreaterThanOrEqual(shares[j] ?? 0)
        }
      }
    }),
  )
})
