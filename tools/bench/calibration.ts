/** How well times to first token were predicted, from pairs of what was expected and what came. Pure. */
import { quantile } from './statistics.ts'

export interface Prediction {
  readonly expectedMs: number
  readonly measuredMs: number
}

export interface Calibration {
  readonly requests: number
  /** Spearman's rank correlation, −1 to 1; NaN where one of the two is the same for all. */
  readonly spearman: number
  /** Errors as shares of what came. */
  readonly medianError: number
  readonly p90Error: number
}

/** @throws where nothing was predicted */
export function calibrationOf(predictions: readonly Prediction[]): Calibration {
  const errors = predictions.map(relativeError).toSorted((a, b) => a - b)
  return {
    requests: predictions.length,
    spearman: spearman(
      predictions.map(({ expectedMs }) => expectedMs),
      predictions.map(({ measuredMs }) => measuredMs),
    ),
    medianError: quantile(errors, 0.5),
    p90Error: quantile(errors, 0.9),
  }
}

/** The correlation of ranks (Spearman 1904): 1 where the larger one is always the larger other one, too. */
export function spearman(some: readonly number[], others: readonly number[]): number {
  return pearson(ranksOf(some), ranksOf(others))
}

/** Equal values share the mean of their ranks. */
function ranksOf(values: readonly number[]): readonly number[] {
  const sorted = values.toSorted((a, b) => a - b)
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2)
}

function pearson(some: readonly number[], others: readonly number[]): number {
  const [someMean, othersMean] = [meanOf(some), meanOf(others)]
  const product = sumOf(
    some.map((value, index) => (value - someMean) * ((others[index] ?? NaN) - othersMean)),
  )
  const squares = (values: readonly number[], mean: number): number =>
    sumOf(values.map((value) => (value - mean) ** 2))
  return product / Math.sqrt(squares(some, someMean) * squares(others, othersMean))
}

function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

/** Clocks on Workers advance in whole milliseconds. */
function relativeError({ expectedMs, measuredMs }: Prediction): number {
  return Math.abs(expectedMs - measuredMs) / Math.max(1, measuredMs)
}
