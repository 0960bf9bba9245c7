import { expect, test } from 'vitest'
import { createVectorHold } from '../../../../workers/embeddings/vector-hold.ts'
import { createBodyBudget } from '../../../../workers/stores/body-budget.ts'

test('what one request holds is missing to the others until it is released, and is given back once', () => {
  const budget = createBodyBudget(100)
  const one = createVectorHold(budget)
  const two = createVectorHold(budget)
  expect([one.take(30), one.take(40), two.take(31), two.take(30)]).toEqual([true, true, false, true])
  one.release()
  one.release()
  expect([two.take(71), two.take(70)]).toEqual([false, true])
  two.release()
  expect(budget.take(100)).toBe(true)
})
