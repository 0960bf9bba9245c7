import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Latency } from '../../../shared/pool/peak-ewma.ts'
import { MAX_RISE, observe } from '../../../shared/pool/peak-ewma.ts'
import { must } from '../residency/a-mesh.ts'

/** Feeds samples, one every `everyMs`. */
function after(samples: readonly number[], everyMs = 50): Latency {
  let latency: Latency | undefined
  for (const [index, sample] of samples.entries()) latency = observe(latency, sample, index * everyMs)
  return must(latency)
}

function costAfter(samples: readonly number[], everyMs?: number): number {
  return Math.round(after(samples, everyMs).costMs)
}

describe('observing', () => {
  test.each<[string, readonly number[], number, number]>([
    ['the first sample is the cost', [40], 50, 40],
    ['a higher sample replaces the cost at once', [40, 90], 50, 90],
    ['a lower sample soon after weighs little', [100, 50], 100, 100],
    ['a lower sample one decay time later weighs 63 %', [100, 50], 10_000, 68],
    ['a lower sample much later replaces the cost', [300, 30], 60_000, 31],
    ['one outlier raises the cost threefold at most', [40, 4000], 50, 120],
    ['a ten-fold slow-down shows after one sample', [30, 300], 50, 90],
    ['and after two samples almost in full', [30, 300, 300], 50, 270],
    ['and after three in full', [30, 300, 300, 300], 50, 300],
    ['a sample of nothing counts as the least that a clock shows', [0], 50, 1],
  ])('%s', (_name, samples, everyMs, expected) => {
    expect(costAfter(samples, everyMs)).toBe(expected)
  })

  test('one outlier is forgotten within ten seconds of normal traffic', () => {
    const tenSecondsAt20 = Array.from({ length: 200 }, () => 40)
    expect(costAfter([40, 4000, ...tenSecondsAt20])).toBeLessThan(40 * 1.8)
  })

  test('the cost stays between the fastest and the slowest sample, and a sample below it never raises it', () => {
    const sample = fc.integer({ min: 1, max: 60_000 })
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1 }), sample, fc.nat(100_000), (samples, next, gapMs) => {
        const before = after(samples)
        expect(before.costMs).toBeGreaterThanOrEqual(Math.min(...samples) - 1e-6)
        expect(before.costMs).toBeLessThanOrEqual(Math.max(...samples))
        const latency = observe(before, next, before.updatedAtMs + gapMs)
        expect(latency.costMs).toBeLessThanOrEqual(Math.max(before.costMs, next))
        expect(latency.costMs).toBeLessThanOrEqual(before.costMs * MAX_RISE)
        expect(latency.sampleCount).toBe(samples.length + 1)
      }),
    )
  })

  test('a clock that steps back changes nothing but the time', () => {
    expect(observe(after([100]), 50, -5000).costMs).toBe(100)
  })
})
