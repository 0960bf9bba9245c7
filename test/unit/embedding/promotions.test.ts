import { expect, test } from 'vitest'
import { createPromotions } from '../../../shared/embedding/promotions.ts'

const HOUR_MS = 3_600_000
const read = (name: string, nowMs = 0, tenant = 'demo') => ({ tenant, name, nowMs })

test('a vector is copied when it is read a second time, and only then', () => {
  const promotions = createPromotions({ perHour: 10, maxNames: 10 })
  expect([1, 2, 3, 4].map(() => promotions.isDue(read('a')))).toEqual([false, true, false, false])
  expect(promotions.isDue(read('b'))).toBe(false)
})

test('a tenant has so many in an hour, and the next in the next', () => {
  const promotions = createPromotions({ perHour: 2, maxNames: 100 })
  for (const name of ['a', 'b', 'c', 'd']) promotions.isDue(read(name))
  expect(['a', 'b', 'c', 'd'].map((name) => promotions.isDue(read(name, 1)))).toEqual([
    true,
    true,
    false,
    false,
  ])
  expect(promotions.isDue(read('c', HOUR_MS))).toBe(false)
  // What was refused is still to be copied.
  expect(['c', 'a'].map((name) => promotions.isDue(read(name, HOUR_MS + 1)))).toEqual([true, false])
})

test('one tenant does not spend what another has', () => {
  const promotions = createPromotions({ perHour: 1, maxNames: 100 })
  for (const name of ['a', 'b']) promotions.isDue(read(name))
  expect(promotions.isDue(read('a', 0, 'one'))).toBe(true)
  expect(promotions.isDue(read('b', 0, 'one'))).toBe(false)
  expect(promotions.isDue(read('b', 0, 'two'))).toBe(true)
})

test('the names that were not read for longest are forgotten', () => {
  const promotions = createPromotions({ perHour: 10, maxNames: 2 })
  for (const name of ['a', 'b', 'a', 'c']) promotions.isDue(read(name))
  expect(promotions.isDue(read('a'))).toBe(false)
  expect(promotions.isDue(read('b'))).toBe(false)
})

test('none is copied where none may be', () => {
  const promotions = createPromotions({ perHour: 0, maxNames: 10 })
  expect([1, 2, 3].map(() => promotions.isDue(read('a')))).toEqual([false, false, false])
})
