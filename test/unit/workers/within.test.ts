import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { within } from '../../../workers/within.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('gives what came in time, and leaves no timer', async () => {
  const work = Promise.withResolvers<string>()
  const waited = within(work.promise, 100)
  await vi.advanceTimersByTimeAsync(99)
  work.resolve('here')
  expect(await waited).toBe('here')
  expect(vi.getTimerCount()).toBe(0)
})

test('gives undefined when the time is over, and what fails later is nobody’s any more', async () => {
  const work = Promise.withResolvers<string>()
  const waited = within(work.promise, 100)
  await vi.advanceTimersByTimeAsync(100)
  expect(await waited).toBeUndefined()
  work.reject(new Error('too late'))
  await vi.advanceTimersByTimeAsync(0)
})

test('rejects as the work does, and leaves no timer', async () => {
  await expect(within(Promise.reject(new Error('broken')), 100)).rejects.toThrow('broken')
  expect(vi.getTimerCount()).toBe(0)
})

test('gives what is there already, even where no time is left', async () => {
  expect(await within(Promise.resolve('here'), 0)).toBe('here')
})
