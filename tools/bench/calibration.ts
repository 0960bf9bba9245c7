/** How well predicted times agree with measured ones. */
import { summarize } from './statistics.ts'

export interface Predicted {
  readonly predictedMs: number
  readonly observedMs: number
}

export interface Calibration {
  readonly requests: number
  /** Whether what was predicted to be slower was slower: 1 is always, 0 is as chance would have it. */
  readonly spearman: number
  /** Relative to what was observed. */
  readonly medianError: number
  readonly p95Error: number
}

/** Spearman's rank correlation, ties at their mean rank. @throws where there are fewer than two */
export function calibrationOf(all: readonly Predicted[]): Calibration {
  if (all.length < 2) throw new Error('two predictions are the least that can be compared')
  const errors = all.map(({ predictedMs, observedMs }) => Math.abs(predictedMs - observedMs) / observedMs)
  const { p50, p95 } = summarize(errors)
  return {
    requests: all.length,
    spearman: correlation(
      ranksOf(all.map(({ predictedMs }) => predictedMs)),
      ranksOf(all.map(({ observedMs }) => observedMs)),
    ),
    medianError: p50,
    p95Error: p95,
  }
}

function ranksOf(values: readonly number[]): readonly number[] {
  const order = values.map((value, index) => ({ value, index })).toSorted((a, b) => a.value - b.value)
  const ranks = Array.from({ length: values.length }, () => 0)
  for (let first = 0; first < order.length;) {
    let last = first
    while (order[last + 1]?.value === order[first]?.value) last += 1
    for (const { index } of order.slice(first, last + 1)) ranks[index] = (first + last) / 2
    first = last + 1
  }
  return ranks
}

/** Pearson's; 0 where one side is all the same. */
function correlation(left: readonly number[], right: readonly number[]): number {
  const [leftMean, rightMean] = [mean(left), mean(right)]
  let [both, leftSquares, rightSquares] = [0, 0, 0]
  for (const [index, value] of left.entries()) {
    const [a, b] = [value - leftMean, (right[index] ?? rightMean) - rightMean]
    both += a * b
    leftSquares += a * a
    rightSquares += b * b
  }
  return leftSquares === 0 || rightSquares === 0 ? 0 : both / Math.sqrt(leftSquares * rightSquares)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
