/** Reads a Prometheus text with a parser that is not ours, and fails on what it cannot read. */
import parse from 'parse-prometheus-text-format'

export interface ParsedFamily {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly metrics: readonly ParsedSample[]
}

export interface ParsedSample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value?: string
}

export type ParsedMetrics = ReadonlyMap<string, ParsedFamily>

/**
 * Metrics by name. Of a histogram that has labels the parser keeps one series only: what is a histogram is told apart first,
 * and then read as what it is on the wire, `…_bucket`, `…_sum` and `…_count`.
 */
export function parsedMetrics(text: string): ParsedMetrics {
  const read = new Map(parse(text).map((family) => [family.name, family]))
  for (const family of read.values()) {
    if (family.type === 'HISTOGRAM') read.set(family.name, { ...family, metrics: [] })
  }
  // Without its type each run of lines of one name is a family of its own.
  for (const family of parse(text.replaceAll(/^# (TYPE|HELP) \S+_seconds .*$/gm, ''))) {
    if (read.get(family.name)?.help) continue
    const before = read.get(family.name)?.metrics ?? []
    read.set(family.name, { ...family, metrics: [...before, ...family.metrics] })
  }
  return read
}

/** Sum of the samples that have all of these labels. */
export function sumOf(metrics: ParsedMetrics, name: string, labels: ParsedSample['labels'] = {}): number {
  const fitting = (metrics.get(name)?.metrics ?? []).filter((sample) =>
    Object.entries(labels).every(([label, value]) => sample.labels?.[label] === value),
  )
  return fitting.reduce((total, { value }) => total + Number(value), 0)
}
