/** The budget never lends more than there is, whatever is taken and given. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBodyBudget } from '../../../../workers/stores/body-budget.ts'

test('what fits exactly is lent, a byte more is not, and a refusal takes nothing', () => {
  const budget = createBodyBudget(10)
  expect(budget.take(6)).toBe(true)
  expect(budget.take(5)).toBe(false)
  expect(budget.take(4)).toBe(true)
  expect(budget.take(1)).toBe(false)
  budget.give(6)
  expect(budget.take(6)).toBe(true)
})

test('however much is taken and given back, at most the total is out', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 40 }))), (moves) => {
      const budget = createBodyBudget(100)
      const out: number[] = []
      for (const [isTake, bytes] of moves) {
        if (isTake && budget.take(bytes)) out.push(bytes)
        if (!isTake) budget.give(out.pop() ?? 0)
        expect(out.reduce((sum, held) => sum + held, 0)).toBeLessThanOrEqual(100)
      }
    }),
  )
})
