/** An engine that runs more than the mesh has in flight is noticed, once the gap has lasted. */
import { expect, test } from 'vitest'
import { watchGap, type RunningGap } from '../../../shared/monitor/running-gap.ts'

const T0 = 1_000_000

/** Reads once a second, from one time to another, both after T0; gives the times at which it was raised. */
function watch(
  reading: { running?: number; waiting?: number },
  inFlight: number,
  [fromMs, toMs]: readonly [number, number],
  begun?: RunningGap,
): { raisedAtMs: number[]; gap: RunningGap | undefined } {
  const raisedAtMs: number[] = []
  let gap = begun
  for (let ms = fromMs; ms <= toMs; ms += 1_000) {
    const seen = watchGap(gap, reading, inFlight, T0 + ms)
    gap = seen.gap
    if (seen.isRaised) raisedAtMs.push(ms)
  }
  return { raisedAtMs, gap }
}

test('is raised after 30 s without a break, and every five minutes while it lasts', () => {
  const { raisedAtMs } = watch({ running: 10, waiting: 0 }, 4, [0, 700_000])
  expect(raisedAtMs).toEqual([30_000, 330_000, 630_000])
})

test('a break begins it anew', () => {
  const before = watch({ running: 10 }, 4, [0, 29_000])
  expect(before.raisedAtMs).toEqual([])
  const closed = watchGap(before.gap, { running: 4 }, 4, T0 + 30_000)
  expect(closed).toEqual({ isRaised: false })
  expect(watch({ running: 10 }, 4, [31_000, 70_000], closed.gap).raisedAtMs).toEqual([61_000])
})

test('what was raised and closed is raised again after 30 s, not after five minutes', () => {
  const first = watch({ running: 10 }, 4, [0, 40_000])
  const closed = watchGap(first.gap, { running: 4 }, 4, T0 + 41_000)
  expect(watch({ running: 10 }, 4, [42_000, 80_000], closed.gap).raisedAtMs).toEqual([72_000])
})

test.each([
  ['two more than none', { running: 2 }, 0, false],
  ['three more than none', { running: 3 }, 0, true],
  ['three, two of which wait', { running: 1, waiting: 2 }, 0, true],
  ['a quarter more than a hundred', { running: 125 }, 100, false],
  ['more than a quarter more', { running: 126 }, 100, true],
  ['fewer', { running: 1 }, 100, false],
])('%s', (_name, reading, inFlight, isRaised) => {
  expect(watch(reading, inFlight, [0, 30_000]).raisedAtMs).toEqual(isRaised ? [30_000] : [])
})

test('a reading that does not say how much runs changes nothing', () => {
  const { gap } = watch({ running: 10 }, 4, [0, 10_000])
  expect(watchGap(gap, { waiting: 50 }, 4, T0 + 11_000)).toEqual({ gap, isRaised: false })
  expect(watchGap(undefined, {}, 0, T0)).toEqual({ isRaised: false })
})
