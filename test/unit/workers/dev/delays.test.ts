/** The delay layer is off unless it is asked for, and says what it does not understand. */
import { expect, test } from 'vitest'
import { NO_DELAYS, parseDelays } from '../../../../workers/dev/delays.ts'

test('without the variable nothing is delayed', () => {
  expect(parseDelays(undefined)).toEqual(NO_DELAYS)
  expect(NO_DELAYS).toEqual({ objects: false, commitMs: 0, kvColdMs: 0, kvStaleMs: 0 })
})

test('an empty object switches everything on, and each value can be set', () => {
  const all = parseDelays('{}')
  expect(all.objects).toBe(true)
  expect(Math.min(all.commitMs, all.kvColdMs, all.kvStaleMs)).toBeGreaterThan(0)
  expect(parseDelays('{"objects":false,"commitMs":0,"kvStaleMs":5}')).toEqual({
    ...all,
    objects: false,
    commitMs: 0,
    kvStaleMs: 5,
  })
})

test.each(['', 'on', '[]', 'null', '{"commitMs":-1}', '{"commitMs":"30"}', '{"kvColdMS":1}'])(
  '%s is refused',
  (text) => {
    expect(() => parseDelays(text)).toThrow()
  },
)
