/** However many listen, there is one timer, and none when nobody does. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createPulse } from '../../../../workers/objects/pulse.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('all who listen hear every beat, by one timer', () => {
  const pulse = createPulse(500)
  const heard = Array.from({ length: 1000 }, () => 0)
  for (const index of heard.keys()) pulse.listen(() => (heard[index] = (heard[index] ?? 0) + 1))
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(1499)
  expect(new Set(heard)).toEqual(new Set([2]))
})

test('who has stopped hears nothing more, and with the last the timer is gone', () => {
  const pulse = createPulse(500)
  const beats: string[] = []
  const stopOne = pulse.listen(() => beats.push('one'))
  const stopTwo = pulse.listen(() => beats.push('two'))
  vi.advanceTimersByTime(500)
  stopOne()
  stopOne()
  vi.advanceTimersByTime(500)
  stopTwo()
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(5000)
  expect(beats).toEqual(['one', 'two', 'two'])
})

test('who stops at a beat does not keep the others from hearing it', () => {
  const pulse = createPulse(500)
  const beats: string[] = []
  const stop = pulse.listen(() => {
    beats.push('first')
    stop()
  })
  pulse.listen(() => beats.push('second'))
  vi.advanceTimersByTime(1000)
  expect(beats).toEqual(['first', 'second', 'second'])
})

test('it begins anew for who listens later', () => {
  const pulse = createPulse(500)
  pulse.listen(() => undefined)()
  let beats = 0
  pulse.listen(() => (beats += 1))
  vi.advanceTimersByTime(1000)
  expect(beats).toBe(2)
})
