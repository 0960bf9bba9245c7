import { expect, test } from 'vitest'
import { calibrationOf } from '../../../../tools/bench/calibration.ts'

const pairs = (...all: readonly (readonly [number, number])[]) =>
  all.map(([predictedMs, observedMs]) => ({ predictedMs, observedMs }))

test('what is predicted exactly is in order and has no error', () => {
  expect(calibrationOf(pairs([10, 10], [20, 20], [30, 30]))).toEqual({
    requests: 3,
    spearman: 1,
    medianError: 0,
    p95Error: 0,
  })
})

test('order is all that counts for the correlation, and size for the error', () => {
  const { spearman, medianError } = calibrationOf(pairs([1, 10], [2, 100], [3, 1000]))
  expect(spearman).toBeCloseTo(1)
  expect(medianError).toBeCloseTo(0.98)
})

test('the reverse order is -1, and one value for all is 0', () => {
  expect(calibrationOf(pairs([3, 10], [2, 20], [1, 30])).spearman).toBeCloseTo(-1)
  expect(calibrationOf(pairs([5, 10], [5, 20], [5, 30])).spearman).toBe(0)
})

test('equal values share their rank', () => {
  // Ranks 0.5 0.5 2 against 0 1 2: covariance 1.5, variances 1.5 and 2.
  expect(calibrationOf(pairs([1, 1], [1, 2], [2, 3])).spearman).toBeCloseTo(1.5 / Math.sqrt(3))
})

test('one prediction says nothing', () => {
  expect(() => calibrationOf(pairs([1, 1]))).toThrow()
})
