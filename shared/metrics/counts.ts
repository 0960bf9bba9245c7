/**
 * Counters and histograms as plain records of whole numbers, which pass between isolates and monitors as they are. Adding
 * them up is associative and commutative, so that it does not matter who adds which first.
 */
import {
  HISTOGRAMS,
  type COUNTERS,
  type CounterName,
  type HistogramName,
  type LabelsOf,
} from './definitions.ts'
import { labelText } from './label-text.ts'

/** By metric, then by labels as they are written: `tenant="demo",model="story"`. */
export interface Counts {
  readonly counters: Record<string, Record<string, number>>
  readonly histograms: Record<string, Record<string, Histogram>>
}

export interface Histogram {
  /** Of each bucket alone; the last is of what is beyond them all. */
  readonly buckets: number[]
  /** Of everything observed, in whole microseconds: sums of fractions would hang on their order. */
  sumMicros: number
}

/** What is beyond a metric's bound is counted together under this. */
const OVERFLOW = 'overflow="true"'

export function createCounts(): Counts {
  return { counters: {}, histograms: {} }
}

export function isEmpty({ counters, histograms }: Counts): boolean {
  return Object.keys(counters).length === 0 && Object.keys(histograms).length === 0
}

/** Counts up, by one if nothing else is said. */
export function increment<Name extends CounterName>(
  counts: Counts,
  name: Name,
  labels: LabelsOf<(typeof COUNTERS)[Name]>,
  by = 1,
): void {
  if (by <= 0) return
  const series = (counts.counters[name] ??= {})
  const text = labelText(labels)
  series[text] = (series[text] ?? 0) + by
}

/** Puts a duration in milliseconds into its bucket. A clock that went back counts as standing. */
export function observe<Name extends HistogramName>(
  counts: Counts,
  name: Name,
  labels: LabelsOf<(typeof HISTOGRAMS)[Name]>,
  ms: number,
): void {
  const ends: readonly number[] = HISTOGRAMS[name].buckets
  const micros = Math.max(0, Math.round(ms * 1_000))
  const bucket = ends.findIndex((seconds) => micros <= seconds * 1_000_000)
  const series = (counts.histograms[name] ??= {})
  const histogram = (series[labelText(labels)] ??= emptyHistogram(ends.length + 1))
  const at = bucket === -1 ? ends.length : bucket
  histogram.buckets[at] = (histogram.buckets[at] ?? 0) + 1
  histogram.sumMicros += micros
}

/**
 * Adds `more` to `into`, which changes. With `maxSeries` a metric that has so many series gets no new ones: what would be one
 * is counted under `overflow="true"`.
 */
export function addCounts(into: Counts, more: Counts, maxSeries = Infinity): void {
  for (const [name, series] of Object.entries(more.counters)) {
    const known = (into.counters[name] ??= {})
    const labelsIn = bounded(known, maxSeries)
    for (const [labels, count] of Object.entries(series)) {
      const text = labelsIn(labels)
      known[text] = (known[text] ?? 0) + count
    }
  }
  for (const [name, series] of Object.entries(more.histograms)) {
    const known = (into.histograms[name] ??= {})
    const labelsIn = bounded(known, maxSeries)
    for (const [labels, { buckets, sumMicros }] of Object.entries(series)) {
      const histogram = (known[labelsIn(labels)] ??= emptyHistogram(buckets.length))
      for (const [at, count] of buckets.entries())
        histogram.buckets[at] = (histogram.buckets[at] ?? 0) + count
      histogram.sumMicros += sumMicros
    }
  }
}

function emptyHistogram(buckets: number): Histogram {
  return { buckets: Array.from({ length: buckets }, () => 0), sumMicros: 0 }
}

function bounded(known: Readonly<Record<string, unknown>>, maxSeries: number): (labels: string) => string {
  let size = Object.keys(known).length
  return (labels) => {
    if (labels in known) return labels
    if (size >= maxSeries) return OVERFLOW
    size += 1
    return labels
  }
}
