/** Sums of what observers have in flight, without those that are gone. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTally, inFlightAt, MAX_OBSERVERS, tally } from '../../../shared/monitor/in-flight-tally.ts'

const T0 = 1_000_000

test('adds up what observers have, each as it said last', () => {
  const kept = createTally()
  tally(kept, 'a', { near: 2, far: 1 }, T0)
  tally(kept, 'b', { near: 3 }, T0)
  tally(kept, 'a', { near: 1 }, T0 + 2_000)
  expect(inFlightAt(kept, 'near', T0 + 2_000)).toBe(4)
  expect(inFlightAt(kept, 'far', T0 + 2_000)).toBe(0)
  expect(inFlightAt(kept, 'unknown', T0 + 2_000)).toBe(0)
})

test('an observer that has not said anything for more than ten seconds is gone', () => {
  const kept = createTally()
  tally(kept, 'a', { near: 2 }, T0)
  tally(kept, 'b', { near: 3 }, T0 + 5_000)
  expect(inFlightAt(kept, 'near', T0 + 10_000)).toBe(5)
  expect(inFlightAt(kept, 'near', T0 + 10_001)).toBe(3)
  expect(kept.observers.size).toBe(1)
})

test('of more observers than it holds, who reported longest ago makes room', () => {
  const kept = createTally()
  for (let n = 0; n < MAX_OBSERVERS; n += 1) tally(kept, `observer ${n}`, { near: 1 }, T0)
  tally(kept, 'observer 0', { near: 5 }, T0 + 1)
  tally(kept, 'one more', { near: 1 }, T0 + 1)
  expect(kept.observers.size).toBe(MAX_OBSERVERS)
  expect(kept.observers.has('observer 0')).toBe(true)
  expect(kept.observers.has('observer 1')).toBe(false)
  expect(inFlightAt(kept, 'near', T0 + 1)).toBe(MAX_OBSERVERS + 4)
})

test('the sum is always that of who reported within ten seconds', () => {
  const reports = fc.array(
    fc.record({ observer: fc.constantFrom('a', 'b', 'c'), count: fc.nat(5), passedMs: fc.nat(8_000) }),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(reports, (all) => {
      const kept = createTally()
      const last = new Map<string, { atMs: number; count: number }>()
      let nowMs = T0
      for (const { observer, count, passedMs } of all) {
        nowMs += passedMs
        tally(kept, observer, { near: count }, nowMs)
        last.set(observer, { atMs: nowMs, count })
        const expected = [...last.values()]
          .filter(({ atMs }) => nowMs - atMs <= 10_000)
          .reduce((sum, said) => sum + said.count, 0)
        expect(inFlightAt(kept, 'near', nowMs)).toBe(expected)
      }
    }),
  )
})
