import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RoundTrip } from '../../../shared/pool/round-trip.ts'
import { mergeRoundTrips, observeProbe, roundTripMs } from '../../../shared/pool/round-trip.ts'
import { must } from '../residency/a-mesh.ts'

function after(probesMs: readonly number[], everyMs = 1000): RoundTrip {
  return must(
    probesMs.reduce<RoundTrip | undefined>(
      (roundTrip, probeMs, index) => observeProbe(roundTrip, probeMs, index * everyMs),
      undefined,
    ),
  )
}

test.each<[string, RoundTrip | undefined, number, number | undefined, number]>([
  ['the prior where nothing was measured', undefined, 80, undefined, 80],
  ['no prior below what a clock shows', undefined, 0, undefined, 1],
  ['what was measured, whatever the prior', after([30]), 80, undefined, 30],
  ['no more than the pool takes in all', after([300]), 80, 50, 50],
  ['no more than the pool takes in all, where nothing was measured', undefined, 80, 50, 50],
  ['what was measured, where the pool takes longer', after([30]), 80, 500, 30],
  ['threefold at most after one outlier', after([30, 9000]), 80, undefined, 90],
  ['what was measured last, long after', after([90, 30], 100_000), 80, undefined, 30],
])('the round trip is %s', (_name, roundTrip, priorMs, levelMs, expected) => {
  expect(roundTripMs(roundTrip, priorMs, levelMs)).toBeCloseTo(expected, 1)
})

test.each([NaN, Infinity, -Infinity, -1])('a probe of %s ms says nothing', (sampleMs) => {
  const before = after([30])
  expect(observeProbe(before, sampleMs, 1000)).toBe(before)
  expect(observeProbe(undefined, sampleMs, 1000)).toBeUndefined()
  expect(observeProbe(before, 40, NaN)).toBe(before)
})

test('a probe within one tick of the clock is a measurement', () => {
  expect(roundTripMs(after([0]), 80, undefined)).toBe(1)
})

describe('merging', () => {
  test('goes by what was measured last', () => {
    const [earlier, later] = [after([300]), after([30, 30])]
    expect(mergeRoundTrips(earlier, later)).toBe(later)
    expect(mergeRoundTrips(later, earlier)).toBe(later)
  })

  test('is the same in either order, and merging the same again changes nothing', () => {
    const probes = fc.array(fc.nat(60_000), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(probes, probes, (some, others) => {
        const [own, region] = [after(some), after(others)]
        const merged = mergeRoundTrips(own, region)
        expect(mergeRoundTrips(region, own).costMs).toBe(merged.costMs)
        expect(mergeRoundTrips(merged, region)).toEqual(merged)
        expect(mergeRoundTrips(own, merged)).toEqual(merged)
        expect(JSON.parse(JSON.stringify(merged))).toEqual(merged)
      }),
    )
  })
})

test('whatever is measured, the round trip is at least a millisecond and never above the level', () => {
  const number = fc.oneof(fc.nat(5000), fc.double(), fc.constantFrom(0, -1, NaN, Infinity))
  const level = fc.double({ min: 1, max: 60_000, noNaN: true })
  fc.assert(
    fc.property(fc.array(fc.tuple(number, number)), level, fc.nat(500), (probes, levelMs, priorMs) => {
      let roundTrip: RoundTrip | undefined
      for (const [sampleMs, nowMs] of probes) roundTrip = observeProbe(roundTrip, sampleMs, nowMs)
      expect(roundTripMs(roundTrip, priorMs, levelMs)).toBeGreaterThanOrEqual(1)
      expect(roundTripMs(roundTrip, priorMs, levelMs)).toBeLessThanOrEqual(levelMs)
    }),
  )
})
