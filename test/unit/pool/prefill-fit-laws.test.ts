import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PrefillFit } from '../../../shared/pool/prefill-fit.ts'
import {
  bestLevelMs,
  countPrompt,
  expectedMs,
  levelMs,
  mergeFits,
  observeFirstToken,
} from '../../../shared/pool/prefill-fit.ts'
import { must } from '../residency/a-mesh.ts'
import { SIZES, continued, sample, sizeAt, steady } from './a-prefill-fit.ts'

const estimates = (fit: PrefillFit): readonly (number | undefined)[] => [
  levelMs(fit),
  bestLevelMs(fit),
  fit.msPerToken,
  fit.noiseMs,
]

const level = fc.integer({ min: 10, max: 500 })
const perToken = fc.double({ min: 0.03, max: 0.5, noNaN: true })

test('level and time per token are found within 20 %, though one sample in five may be anything', () => {
  const noise = fc.array(fc.double({ min: -0.05, max: 0.05, noNaN: true }), {
    minLength: 40,
    maxLength: 40,
  })
  const anything = fc.array(fc.nat(60_000), { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(level, perToken, noise, anything, (c, s, noises, wrong) => {
      let fit: PrefillFit | undefined
      for (const [index, off] of noises.entries()) {
        const ttftMs = index % 5 === 2 ? must(wrong[(index - 2) / 5]) : c * (1 + off) + s * sizeAt(index)
        fit = observeFirstToken(fit, sample(100_000 + index * 50, ttftMs, sizeAt(index)))
      }
      expect(must(fit).msPerToken / s).toBeGreaterThan(0.8)
      expect(must(fit).msPerToken / s).toBeLessThan(1.2)
      expect(must(levelMs(fit)) / c).toBeGreaterThan(0.8)
      expect(must(levelMs(fit)) / c).toBeLessThan(1.2)
    }),
  )
})

test('one outlier in steady state changes nothing', () => {
  fc.assert(
    fc.property(level, perToken, fc.nat(60_000), fc.nat(40_000), (c, s, ttftMs, tokens) => {
      const fit = observeFirstToken(steady(c, s), sample(2050, ttftMs, tokens))
      expect(fit.msPerToken).toBeCloseTo(s, 9)
      expect(levelMs(fit)).toBeCloseTo(c, 6)
      expect(bestLevelMs(fit)).toBeCloseTo(c, 6)
    }),
  )
})

test('a pool ten times slower is known for it after two samples, and known as quick three after it recovered', () => {
  fc.assert(
    fc.property(
      level,
      perToken,
      fc.constantFrom(...SIZES),
      fc.integer({ min: 2, max: 30 }),
      (c, s, size, slow) => {
        const quickMs = c + s * size
        const slowed = (count: number): PrefillFit =>
          continued(
            steady(c, s),
            Array.from({ length: count }, () => 10 * quickMs),
            {
              uncachedTokens: size,
              startMs: 1_000_000,
            },
          )
        expect(expectedMs(slowed(1), size)).toBeCloseTo(quickMs, 3)
        expect(expectedMs(slowed(2), size)).toBeCloseTo(10 * quickMs, 3)
        const recovered = continued(slowed(slow), [quickMs, quickMs, quickMs], {
          uncachedTokens: size,
          startMs: 1_000_000 + slow * 50,
        })
        expect(expectedMs(recovered, size) / quickMs).toBeGreaterThan(0.8)
        expect(expectedMs(recovered, size) / quickMs).toBeLessThan(1.2)
      },
    ),
  )
})

test('whatever is measured, the estimates are within their bounds and survive JSON', () => {
  const number = fc.oneof(fc.nat(5000), fc.double(), fc.constantFrom(0, -1, NaN, Infinity, -Infinity))
  const any = fc.record({
    askedAtMs: number,
    atMs: number,
    ttftMs: number,
    queueMs: number,
    uncachedTokens: number,
    isCounted: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(any, number, fc.boolean()), { maxLength: 80 }), number, (all, tokens) => {
      let fit: PrefillFit | undefined
      for (const [next, number, isEnded] of all) {
        fit = observeFirstToken(fit, next, number)
        if (isEnded) fit = countPrompt(fit, next.askedAtMs, number)
        expect(fit.msPerToken).toBeGreaterThanOrEqual(0)
        expect(fit.msPerToken).toBeLessThanOrEqual(10)
        expect(fit.samples.length).toBeLessThanOrEqual(65)
        expect(levelMs(fit) === undefined).toBe(fit.samples.length === 0)
        expect(levelMs(fit) ?? 1).toBeGreaterThanOrEqual(1)
        expect(levelMs(fit) ?? 1).toBeLessThanOrEqual(3_600_000)
        expect(bestLevelMs(fit) ?? 1).toBeLessThanOrEqual(levelMs(fit) ?? 1)
        expect(fit.noiseMs ?? 0).toBeGreaterThanOrEqual(0)
        expect(Number.isFinite(fit.noiseMs ?? 0)).toBe(true)
        expect(Number.isFinite(expectedMs(fit, tokens))).toBe(true)
        expect(estimates(JSON.parse(JSON.stringify(fit)))).toEqual(estimates(fit))
        expect(structuredClone(fit)).toEqual(fit)
      }
    }),
    { numRuns: 50 },
  )
})

/** What two observers saw of one pool's dispatches, each of some of them, and of some of those the end. */
const dispatches = fc.array(
  fc.record({
    gapMs: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 200_000 })),
    ttftMs: fc.nat(5000),
    believed: fc.nat(20_000),
    counted: fc.nat(20_000),
    seen: fc.tuple(fc.nat(2), fc.nat(2)),
    predictedMs: fc.nat(5000),
  }),
  { maxLength: 60 },
)
type Dispatches = typeof dispatches extends fc.Arbitrary<infer T> ? T : never

function seenBy(observer: 0 | 1, all: Dispatches): PrefillFit {
  let fit = observeFirstToken(undefined, sample(NaN, 0, 0))
  let atMs = 10_000
  for (const { gapMs, ttftMs, believed, counted, seen, predictedMs } of all) {
    atMs += gapMs
    if (seen[observer] === 0) continue
    const next = { ...sample(atMs, ttftMs, believed), askedAtMs: atMs }
    fit = observeFirstToken(fit, next, predictedMs)
    if (seen[observer] === 2) fit = countPrompt(fit, next.askedAtMs, counted)
  }
  return fit
}

test('merging is the same in either order, and merging the same again changes nothing', () => {
  fc.assert(
    fc.property(dispatches, (all) => {
      const [own, region] = [seenBy(0, all), seenBy(1, all)]
      const merged = mergeFits(own, region)
      expect(mergeFits(region, own)).toEqual(merged)
      expect(estimates(mergeFits(merged, region))).toEqual(estimates(merged))
      expect(estimates(mergeFits(own, merged))).toEqual(estimates(merged))
      expect(mergeFits(own, own)).toEqual(own)
    }),
    { numRuns: 500 },
  )
})

test('one that knows nothing adds nothing', () => {
  fc.assert(
    fc.property(dispatches, (all) => {
      const fit = seenBy(0, all)
      expect(mergeFits(fit, seenBy(0, []))).toEqual(fit)
    }),
  )
})
