import fc from 'fast-check'
import { expect, test } from 'vitest'
import { greatCircleKm, nearestOf } from '../../../shared/residency/great-circle.ts'

const frankfurt = { latitude: 50.1109, longitude: 8.6821 }
const ashburn = { latitude: 39.0438, longitude: -77.4874 }
const singapore = { latitude: 1.3521, longitude: 103.8198 }
const anyPlace = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
})

test.each([
  ['Frankfurt to Ashburn', frankfurt, ashburn, 6542],
  ['Frankfurt to Singapore', frankfurt, singapore, 10_265],
  ['pole to pole', { latitude: 90, longitude: 0 }, { latitude: -90, longitude: 77 }, 20_015],
  ['across the date line', { latitude: 0, longitude: 179.5 }, { latitude: 0, longitude: -179.5 }, 111],
])('%s is as far as on a map', (_name, from, to, km) => {
  expect(Math.abs(greatCircleKm(from, to) - km)).toBeLessThan(km * 0.003 + 1)
})

test('distance is symmetric, finite and at most half the way round', () => {
  fc.assert(
    fc.property(anyPlace, anyPlace, (a, b) => {
      const km = greatCircleKm(a, b)
      expect(km).toBeCloseTo(greatCircleKm(b, a), 6)
      expect(km).toBeGreaterThanOrEqual(0)
      expect(km).toBeLessThanOrEqual(20_016)
    }),
  )
})

test('the nearest of none is undefined, and among equals the first', () => {
  expect(nearestOf(frankfurt, [])).toBeUndefined()
  const twins = [
    { id: 'a', ...ashburn },
    { id: 'b', ...ashburn },
  ]
  expect(nearestOf(frankfurt, twins)).toBe(twins[0])
})
