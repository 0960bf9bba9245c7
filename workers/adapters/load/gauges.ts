/** Makes the reader of a pool's /metrics from the names that its gauges have. */
import { readSamples } from './prometheus.ts'
import type { Sample } from './prometheus.ts'
import { FIELDS, readingOf } from './reading.ts'
import type { LoadReading, LoadSource } from './load-dialect.ts'

/** The names of each field's gauge, the current one first; of those that are there the first one counts, alone. */
export type GaugeNames = Readonly<Partial<Record<keyof LoadReading, readonly string[]>>>

/**
 * `engineLabels` tell the engines apart: of samples that are alike in these the largest is the engine's, the others are
 * parts or copies of it. Without them every sample is an engine of its own.
 */
export function gaugesReader(gauges: GaugeNames, engineLabels?: readonly string[]): LoadSource['read'] {
  const names = new Set(Object.values(gauges).flat())
  return (body) => {
    const samples = readSamples(body, names)
    const perEngine = FIELDS.map((field) => {
      const name = gauges[field]?.find((candidate) => samples.has(candidate))
      return [field, name === undefined ? [] : valuesOf(samples.get(name) ?? [], engineLabels)] as const
    })
    return readingOf(Object.fromEntries(perEngine))
  }
}

function valuesOf(samples: readonly Sample[], engineLabels: readonly string[] | undefined): number[] {
  if (engineLabels === undefined) return samples.map(({ value }) => value)
  const engines = new Map<string, number>()
  for (const { labels, value } of samples) {
    const engine = JSON.stringify(engineLabels.map((label) => labels.get(label)))
    // NaN stays, so that what could not be read makes no sum smaller.
    engines.set(engine, Math.max(engines.get(engine) ?? -Infinity, value))
  }
  return [...engines.values()]
}
