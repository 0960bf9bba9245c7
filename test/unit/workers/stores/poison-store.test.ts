/** Requests that killed pools are known for a while, by tenant, and cost the others nothing. */
import { expect, test } from 'vitest'
import { createPoisonStore } from '../../../../workers/stores/poison-store.ts'

test('a request is known until its time is over', () => {
  const store = createPoisonStore()
  store.add('demo', 'a', 1000)
  expect(store.has('demo', 'a', 999)).toBe(true)
  expect(store.has('demo', 'a', 1000)).toBe(false)
  expect(store.has('demo', 'b', 999)).toBe(false)
})

test('one tenant’s request is not another’s, nor is that of one with a longer name', () => {
  const store = createPoisonStore()
  store.add('demo', 'a', 1000)
  for (const tenant of ['dem', 'demo2', 'demo/a', '']) {
    expect(store.has(tenant, 'a', 0)).toBe(false)
    expect(store.hasAny(tenant, 0)).toBe(false)
  }
})

test('there is something to look up only while there is', () => {
  const store = createPoisonStore()
  expect(store.hasAny('demo', 0)).toBe(false)
  store.add('demo', 'a', 1000)
  store.add('demo', 'b', 2000)
  expect(store.hasAny('demo', 1999)).toBe(true)
  expect(store.has('demo', 'b', 1999)).toBe(true)
  expect(store.hasAny('demo', 2000)).toBe(false)
})

test('a request that kills again is known for longer', () => {
  const store = createPoisonStore()
  store.add('demo', 'a', 1000)
  store.add('demo', 'a', 2000)
  expect(store.has('demo', 'a', 1500)).toBe(true)
})

test('of very many the oldest are forgotten', () => {
  const store = createPoisonStore()
  for (let index = 0; index < 1002; index += 1) store.add('demo', `request ${index}`, 1000)
  expect(store.has('demo', 'request 1', 0)).toBe(false)
  expect(store.has('demo', 'request 2', 0)).toBe(true)
  expect(store.has('demo', 'request 1001', 0)).toBe(true)
})

test('one that is known already pushes out none of the others', () => {
  const store = createPoisonStore()
  for (let index = 0; index < 1000; index += 1) store.add('demo', `request ${index}`, 1000)
  store.add('demo', 'request 999', 2000)
  expect(store.has('demo', 'request 0', 0)).toBe(true)
  expect(store.has('demo', 'request 999', 1500)).toBe(true)
})
