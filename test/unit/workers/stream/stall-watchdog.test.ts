/** Silence is cut off in time; a slow reader is not silence. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createStallWatchdog } from '../../../../workers/stream/stall-watchdog.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function setUp(idleMs: number, totalMs: number) {
  const cuts: string[] = []
  const watchdog = createStallWatchdog({
    idleMs,
    endsByMs: Date.now() + totalMs,
    runtime: { now: () => Date.now() },
    onCut: (why) => {
      cuts.push(why)
      watchdog.stop()
    },
  })
  return { watchdog, cuts }
}

test('a read that brings nothing for the idle time is a stall, not a moment earlier', () => {
  const { watchdog, cuts } = setUp(100, 10_000)
  watchdog.waiting()
  vi.advanceTimersByTime(99)
  expect(cuts).toEqual([])
  vi.advanceTimersByTime(1)
  expect(cuts).toEqual(['stalled'])
})

test('an upstream that keeps sending is never stalled, however slow each piece is', () => {
  const { watchdog, cuts } = setUp(100, 10_000)
  for (let piece = 0; piece < 20; piece += 1) {
    watchdog.waiting()
    vi.advanceTimersByTime(99)
    watchdog.arrived()
  }
  expect(cuts).toEqual([])
})

test('time in which nobody waits does not count', () => {
  const { watchdog, cuts } = setUp(100, 10_000)
  watchdog.waiting()
  watchdog.arrived()
  vi.advanceTimersByTime(5_000)
  expect(cuts).toEqual([])
  watchdog.waiting()
  vi.advanceTimersByTime(99)
  expect(cuts).toEqual([])
  vi.advanceTimersByTime(101)
  expect(cuts).toEqual(['stalled'])
})

test('the whole is cut off at its end, whoever is waiting', () => {
  const { watchdog, cuts } = setUp(100, 250)
  for (let piece = 0; piece < 5; piece += 1) {
    watchdog.waiting()
    vi.advanceTimersByTime(60)
    watchdog.arrived()
  }
  expect(cuts).toEqual(['timed_out'])
})

test('a stopped watchdog leaves no timer behind', () => {
  const { watchdog, cuts } = setUp(100, 250)
  watchdog.waiting()
  watchdog.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(1_000)
  expect(cuts).toEqual([])
})
