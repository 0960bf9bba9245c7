import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calibrationOf, spearman } from '../../../../tools/bench/calibration.ts'

describe("Spearman's rank correlation", () => {
  test.each<[string, readonly number[], readonly number[], number]>([
    ['1 where both grow, however', [1, 2, 3, 4], [10, 11, 500, 90_000], 1],
    ['-1 where one grows and the other falls', [1, 2, 3, 4], [9, 7, 2, 1], -1],
    // 1 - 6·Σd²/(n(n²-1)) with d = 1, -1, 0, 0 is 1 - 12/60.
    ['0.8 where two neighbours of four have changed places', [1, 2, 3, 4], [2, 1, 3, 4], 0.8],
    // scipy.stats.spearmanr([1, 2, 2, 4], [1, 3, 2, 4]) says 0.948683…
    ['by shared ranks where some are equal', [1, 2, 2, 4], [1, 3, 2, 4], 0.9486832980505138],
  ])('is %s', (_what, some, others, expected) => {
    expect(spearman(some, others)).toBeCloseTo(expected, 12)
  })

  test('says nothing where all are the same', () => {
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNaN()
  })

  test('is the same both ways, and between -1 and 1', () => {
    const pairs = fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 2, maxLength: 60 })
    fc.assert(
      fc.property(pairs, (both) => {
        const [some, others] = [both.map(([one]) => one), both.map(([, other]) => other)]
        const there = spearman(some, others)
        if (Number.isNaN(there)) return
        expect(Math.abs(there)).toBeLessThanOrEqual(1 + 1e-9)
        expect(spearman(others, some)).toBeCloseTo(there, 9)
      }),
    )
  })
})

describe('the calibration of predictions', () => {
  test('takes errors as shares of what came', () => {
    const predictions = [
      { expectedMs: 90, measuredMs: 100 },
      { expectedMs: 260, measuredMs: 200 },
      { expectedMs: 300, measuredMs: 300 },
    ]
    const { requests, spearman: rank, medianError, p90Error } = calibrationOf(predictions)
    expect(requests).toBe(3)
    expect(rank).toBeCloseTo(1, 12)
    expect(medianError).toBeCloseTo(0.1, 12)
    // Between the middle one and the last, at four fifths of the way.
    expect(p90Error).toBeCloseTo(0.1 + 0.8 * 0.2, 12)
  })

  test('counts no error as infinite where a token came within the millisecond', () => {
    expect(calibrationOf([{ expectedMs: 1, measuredMs: 0 }]).medianError).toBe(1)
  })

  test('is nothing without predictions', () => {
    expect(() => calibrationOf([])).toThrow('nothing was measured')
  })
})
