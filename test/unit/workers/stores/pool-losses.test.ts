/** A pool’s failures are shared when others had them at about the same time, and not when only one request did. */
import { expect, test } from 'vitest'
import { createPoolLosses } from '../../../../workers/stores/pool-losses.ts'

const [ONE, ANOTHER] = [{}, {}]

test('what one request alone was failed by is not shared, however often', () => {
  const losses = createPoolLosses()
  expect(losses.isShared('gpu', ONE)).toBe(false)
  losses.note('gpu', ONE, 1000)
  losses.note('gpu', ONE, 1500)
  expect(losses.isShared('gpu', ONE)).toBe(false)
})

test.each([
  [1000, true],
  [3000, true],
  [3001, false],
])('one at 1000 ms and another’s at %i ms are shared: %s', (atMs, expected) => {
  const losses = createPoolLosses()
  losses.note('gpu', ONE, 1000)
  losses.note('gpu', ANOTHER, atMs)
  expect([losses.isShared('gpu', ONE), losses.isShared('gpu', ANOTHER)]).toEqual([expected, expected])
})

test('what another pool failed says nothing of this one', () => {
  const losses = createPoolLosses()
  losses.note('gpu', ONE, 1000)
  losses.note('other', ANOTHER, 1000)
  expect(losses.isShared('gpu', ONE)).toBe(false)
})

test('of very many only the latest count', () => {
  const losses = createPoolLosses()
  losses.note('gpu', ONE, 1000)
  for (let time = 0; time < 64; time += 1) losses.note('gpu', ANOTHER, 1000)
  expect(losses.isShared('gpu', ONE)).toBe(false)
})
