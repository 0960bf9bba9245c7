import { describe, expect, test } from 'vitest'
import type { PrefillFit } from '../../../shared/pool/prefill-fit.ts'
import {
  bestLevelMs,
  countPrompt,
  expectedMs,
  levelMs,
  observeFirstToken,
} from '../../../shared/pool/prefill-fit.ts'
import { must } from '../residency/a-mesh.ts'
import { after, continued, fitOf, sample, sizeAt, steady } from './a-prefill-fit.ts'

describe('the level', () => {
  // The prior of 0.1 ms per token takes 10 ms of each of these.
  test.each<[string, readonly number[], number]>([
    ['of one sample is that', [40], 30],
    ['of two is the lower, since a first request pays for its connection', [400, 40], 30],
    ['is not raised by one outlier', [40, 40, 40, 40, 4000], 30],
    ['nor after it', [40, 40, 40, 4000, 40], 30],
    ['nor by a second that does not follow it', [40, 40, 4000, 40, 4000], 30],
    ['is raised by the second of two', [40, 40, 40, 310, 310], 300],
    ['is raised as far as the lower of the two', [40, 40, 40, 4000, 310], 300],
    ['is not lowered by one outlier', [310, 310, 310, 310, 10], 300],
    ['is not lowered by two', [310, 310, 310, 40, 40], 300],
    ['is lowered by the third of three', [310, 310, 310, 40, 40, 40], 30],
    ['is a millisecond at least', [0, 0, 0], 1],
  ])('%s', (_name, ttftsMs, expected) => {
    expect(levelMs(after(ttftsMs))).toBeCloseTo(expected, 9)
  })

  test('holds neither the queue nor the prefill', () => {
    expect(levelMs(observeFirstToken(undefined, sample(9000, 1540, 400, 1000)))).toBeCloseTo(500, 9)
    expect(levelMs(observeFirstToken(undefined, sample(9000, 40, 100, 900)))).toBe(1)
  })

  test('falls at once where the pool was left alone before, and rises only with a second sample all the same', () => {
    const slow = after([310, 310, 310, 310, 310])
    expect(levelMs(continued(slow, [40], { startMs: 1_011_000 }))).toBeCloseTo(30, 9)
    const quick = after([40, 40, 40, 40, 40])
    const once = continued(quick, [310], { startMs: 1_011_000 })
    expect(levelMs(once)).toBeCloseTo(30, 9)
    expect(levelMs(continued(once, [310], { startMs: 1_030_000 }))).toBeCloseTo(300, 9)
  })

  test('at its best is that of the quickest quarter, which one lucky sample does not make', () => {
    expect(bestLevelMs(after([40, 310, 310, 310]))).toBeCloseTo(30, 9)
    expect(bestLevelMs(after([310, 310, 10, 310, 310]))).toBeCloseTo(300, 9)
    expect(bestLevelMs(after([60, 60, 310, 310, 310, 310, 310]))).toBeCloseTo(50, 9)
  })

  test('at its best is remembered for ten minutes, however often the pool is seen to be slow', () => {
    const quick = after([40, 40, 40, 40, 40])
    const slow = (count: number): readonly number[] => Array.from({ length: count }, () => 310)
    const looked = continued(quick, slow(20), { startMs: 1_010_000 })
    expect(levelMs(looked)).toBeCloseTo(300, 9)
    expect(bestLevelMs(looked)).toBeCloseTo(30, 9)
    expect(bestLevelMs(continued(looked, slow(20), { startMs: 1_700_000 }))).toBeCloseTo(300, 9)
  })

  test('of a pool that was never measured is unknown', () => {
    expect(levelMs(undefined)).toBeUndefined()
    expect(bestLevelMs(undefined)).toBeUndefined()
  })
})

test('prompts that are all alike still show that a rate is too high', () => {
  const alike = [1, 2, 3].map((second) => sample(1_000_000 + second * 1000, 40, 1000))
  expect(fitOf(alike).msPerToken).toBeCloseTo(0.04, 9)
})

describe('the time per token', () => {
  const rate = (...sizesAndTimes: readonly [number, number][]): number =>
    fitOf(sizesAndTimes.map(([tokens, ttftMs], index) => sample(1_000_000 + index * 50, ttftMs, tokens)))
      .msPerToken

  test.each<[string, number, number]>([
    ['is the prior while all prompts are of about one size', rate([100, 40], [200, 900], [300, 40]), 0.1],
    ['is doubled at most by one pair', rate([100, 40], [1100, 5040]), 0.2],
    ['is halved at most by one pair', rate([100, 40], [1100, 40]), 0.05],
    ['is believed from one pair within that', rate([100, 40], [1100, 190]), 0.15],
    [
      'is not moved further by a point that several are compared with',
      rate([100, 40], [110, 41], [120, 42], [1100, 5040]),
      0.2,
    ],
    ['goes fourfold with two pairs', rate([100, 40], [100, 40], [1100, 5040], [1100, 5040]), 0.4],
    [
      'is what was measured with three',
      rate([100, 40], [100, 40], [100, 40], [1100, 5040], [1100, 5040], [1100, 5040]),
      5,
    ],
    ['is bounded above', rate([100, 0], [100, 0], [100, 0], [600, 50_000], [600, 50_000], [600, 50_000]), 10],
    ['is bounded below', rate([100, 900], [100, 900], [100, 900], [600, 40], [600, 40], [600, 40]), 0],
  ])('%s', (_name, seen, expected) => {
    expect(seen).toBeCloseTo(expected, 9)
  })

  test('does not hold the queue', () => {
    const queued = Array.from({ length: 20 }, (_, index) =>
      sample(index * 50, 60 + 0.2 * sizeAt(index) + 2 * sizeAt(index), sizeAt(index), 2 * sizeAt(index)),
    )
    expect(fitOf(queued).msPerToken).toBeCloseTo(0.2, 9)
  })

  test('stays as it was last known once there are only short prompts', () => {
    const fit = continued(
      steady(60, 0.3),
      Array.from({ length: 50 }, () => 90),
      { everyMs: 60_000 },
    )
    expect(fit.samples.every(({ uncachedTokens }) => uncachedTokens === 100)).toBe(true)
    expect(fit.msPerToken).toBeCloseTo(0.3, 9)
  })

  test('can grow again after it was nothing', () => {
    const none = steady(60, 0)
    expect(none.msPerToken).toBe(0)
    const alone = continued(none, [60, 60, 60, 60, 60], { startMs: 2_000_000 })
    expect(continued(alone, [5060], { startMs: 2_001_000, uncachedTokens: 8100 }).msPerToken).toBe(0.02)
  })
})

describe('counting', () => {
  test('corrects the sample of its dispatch and no other', () => {
    const fit = after([1640, 40])
    const counted = countPrompt(fit, 1_000_000 - 1640, 16_000)
    expect(counted.samples.map(({ uncachedTokens }) => uncachedTokens)).toEqual([16_000, 100])
    expect(counted.samples.map(({ isCounted }) => isCounted)).toEqual([true, false])
    expect(countPrompt(counted, 1_000_000 - 1640, 5)).toEqual(counted)
    expect(countPrompt(counted, 77, 5)).toEqual(counted)
    expect(countPrompt(counted, 1_000_050 - 40, NaN)).toEqual(counted)
  })

  test('a prompt believed warm that was cold is no slow-down, once it is counted', () => {
    const believed = after([40, 40, 40, 1640, 1640])
    expect(levelMs(believed)).toBeCloseTo(1630, 9)
    const once = countPrompt(believed, 1_000_150 - 1640, 16_000)
    expect(levelMs(once)).toBeLessThan(60)
  })

  test('from then on only what is counted shows the time per token', () => {
    let fit: PrefillFit | undefined
    for (const [index, tokens] of [100, 100, 100, 8100, 8100, 8100].entries()) {
      fit = observeFirstToken(fit, sample(index * 5000, 60 + 0.2 * tokens, 4000))
      fit = countPrompt(fit, index * 5000 - 60 - 0.2 * tokens, tokens)
    }
    const warmButUnknown = [60, 60, 60, 60, 60]
    expect(continued(fit, warmButUnknown, { uncachedTokens: 8100, startMs: 40_000 }).msPerToken).toBeCloseTo(
      0.2,
      9,
    )
  })
})

describe('noise', () => {
  const noiseAfter = (offsMs: readonly number[]): number =>
    must(
      offsMs
        .map((offMs, index) => [sample(1000 + index * 50, 100, 100), 100 + offMs] as const)
        .reduce<PrefillFit | undefined>(
          (fit, [next, predicted]) => observeFirstToken(fit, next, predicted),
          undefined,
        )?.noiseMs,
    )

  test.each<[string, readonly number[], number]>([
    ['starts at what a good prediction is off by', [0], 8],
    ['follows by a fifth', [20, 30], 15.6],
    ['counts too early and too late alike', [-20], 12],
    ['counts one that was far off as threefold', [90_000], 14],
    ['dies away', Array.from({ length: 60 }, () => 0), 0],
  ])('%s', (_name, offsMs, expected) => {
    expect(noiseAfter(offsMs)).toBeCloseTo(expected, 4)
  })

  test.each([undefined, NaN, Infinity, -1])('a prediction of %s says nothing', (predictedMs) => {
    expect(observeFirstToken(undefined, sample(1000, 40, 100), predictedMs)).not.toHaveProperty('noiseMs')
  })
})

test('the expected time is the level and the prefill, and never without a bound', () => {
  const fit = steady(60, 0.1)
  expect(expectedMs(fit, 0)).toBeCloseTo(60, 6)
  expect(expectedMs(fit, 1000)).toBeCloseTo(160, 6)
  expect(expectedMs(fit, -5)).toBeCloseTo(60, 6)
  expect(expectedMs(fit, NaN)).toBeCloseTo(60, 6)
  expect(expectedMs(fit, Infinity)).toBeCloseTo(1_000_060, 0)
})

test('the same first token told twice counts once', () => {
  const fit = after([40, 50, 60])
  expect(observeFirstToken(fit, must(fit.samples[1]), 900)).toBe(fit)
})
