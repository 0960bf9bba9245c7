import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Retention } from '../../../shared/affinity/retention.ts'
import { observeSurvival, retentionMs } from '../../../shared/affinity/retention.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

function after(ages: readonly number[], survivedFraction: number): Retention | undefined {
  let retention: Retention | undefined
  for (const ageMs of ages) retention = observeSurvival(retention, { ageMs, survivedFraction })
  return retention
}

describe('what is learned', () => {
  test.each<[string, readonly number[], number, number]>([
    ['nothing is known: ten minutes', [], 1, 600],
    ['a prefix that survived ten minutes doubles it', [600], 1, 1200],
    ['one that was lost by then had about half of its life', [600], 0, 367.2],
    ['half of one, lost', [600], 0.5, 707.5],
    ['a loss right after its use takes it to a third', [0.001], 0, 200],
    ['a hundred losses within a second go down to the bound', Array.from({ length: 100 }, () => 1), 0, 30],
    ['days without a loss go up to the bound', Array.from({ length: 10 }, () => 86_400), 1, 21_600],
  ])('%s', (_name, agesSeconds, survived, expectedSeconds) => {
    const ages = agesSeconds.map((age) => age * SECOND)
    expect(retentionMs(after(ages, survived)) / SECOND).toBeCloseTo(expectedSeconds, 1)
  })

  test.each<[string, number, number]>([
    ['a clock that stepped back', -5, 0],
    ['two at the same time', 0, 0],
    ['an age that is no number', NaN, 0],
    ['an age that no clock shows', 1e-9, 0],
    ['a fraction that is no number', 5, NaN],
  ])('%s teaches nothing', (_name, ageMs, survivedFraction) => {
    const known = after([MINUTE, MINUTE], 0)
    expect(observeSurvival(known, { ageMs, survivedFraction })).toEqual(known)
  })

  test('more than there was is all of it', () => {
    expect(after([MINUTE], 7)).toEqual(after([MINUTE], 1))
  })

  test('a pool that begins to lose soon is known for it after fifty losses', () => {
    let retention = after(
      Array.from({ length: 300 }, () => 10 * MINUTE),
      1,
    )
    expect(retentionMs(retention)).toBeGreaterThan(5 * HOUR)
    for (let at = 0; at < 50; at += 1) {
      retention = observeSurvival(retention, { ageMs: MINUTE, survivedFraction: 0 })
    }
    expect(retentionMs(retention)).toBeLessThan(20 * MINUTE)
  })
})

describe('a cache that loses what is unused exponentially', () => {
  test.each<[string, number, number]>([
    ['a minute, asked every minute', MINUTE, 1],
    ['five minutes, asked every five', 5 * MINUTE, 1],
    ['five minutes, asked every ten', 5 * MINUTE, 2],
    ['an hour, asked every hour', HOUR, 1],
    ['two hours, asked every two', 2 * HOUR, 1],
  ])('of %s, is known within 30 % after 200 reports', (_name, thetaMs, agesPerTheta) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      expect(Math.abs(learned(thetaMs, agesPerTheta, seed) / thetaMs - 1), `seed ${seed}`).toBeLessThan(0.3)
    }
  })

  test.each<[string, number, number]>([
    ['much more often', 5 * MINUTE, 0.3],
    ['more often', 5 * MINUTE, 0.5],
    ['as often', 5 * MINUTE, 1],
    ['less often', 5 * MINUTE, 2],
    ['much less often', 5 * MINUTE, 4],
  ])('is not misjudged on average where it is asked %s than it forgets', (_name, thetaMs, agesPerTheta) => {
    const ratios = Array.from({ length: 50 }, (_, seed) => learned(thetaMs, agesPerTheta, seed + 1) / thetaMs)
    const logarithms = ratios.map((ratio) => Math.log(ratio))
    expect(Math.abs(logarithms.reduce((sum, each) => sum + each) / 50)).toBeLessThan(0.1)
  })

  function learned(thetaMs: number, agesPerTheta: number, seed: number): number {
    const random = seeded(seed)
    let retention: Retention | undefined
    for (let sample = 0; sample < 200; sample += 1) {
      const ageMs = -Math.log(random()) * thetaMs * agesPerTheta
      const survivedFraction = random() < Math.exp(-ageMs / thetaMs) ? 1 : 0
      retention = observeSurvival(retention, { ageMs, survivedFraction })
    }
    return retentionMs(retention)
  }
})

test('it stays within its bounds and is plain data, whatever was seen', () => {
  const survival = fc.record({ ageMs: fc.double(), survivedFraction: fc.double() })
  fc.assert(
    fc.property(fc.array(survival), (samples) => {
      let retention: Retention | undefined
      for (const sample of samples) retention = observeSurvival(retention, sample)
      expect(retentionMs(retention)).toBeGreaterThanOrEqual(30 * SECOND)
      expect(retentionMs(retention)).toBeLessThanOrEqual(6 * HOUR)
      if (retention !== undefined) expect(JSON.parse(JSON.stringify(retention))).toEqual(retention)
    }),
  )
})

test('the more has survived, the longer it is', () => {
  const ageMs = fc.integer({ min: 1, max: 24 * HOUR })
  const fraction = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(fc.array(ageMs), ageMs, fraction, fraction, (ages, age, one, other) => {
      const known = after(ages, 0.5)
      const [less, more] = [Math.min(one, other), Math.max(one, other)]
      const thetaAfter = (survivedFraction: number) =>
        retentionMs(observeSurvival(known, { ageMs: age, survivedFraction }))
      expect(thetaAfter(less)).toBeLessThanOrEqual(thetaAfter(more) + 1e-6)
    }),
  )
})

/** Uniform in (0, 1): mulberry32. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32
  }
}
