/** Writes what the regions' monitors have told in the Prometheus text format, version 0.0.4. */
import type { RegionSnapshot } from '../pool/region-snapshot.ts'
import type { Counts, Histogram } from './counts.ts'
import { COUNTERS, HISTOGRAMS, type CounterName, type HistogramName } from './definitions.ts'
import { GAUGES, gaugesOf, type GaugeName } from './gauges.ts'
import { labelText } from './label-text.ts'

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export interface RegionMetrics {
  /** Since when the monitor counts, milliseconds since the epoch. */
  readonly sinceMs: number
  readonly counts: Counts
  readonly snapshot: RegionSnapshot
}

export interface AnsweredRegion {
  readonly region: string
  /** Absent: its monitor does not answer. */
  readonly metrics?: RegionMetrics
}

/** One text of all regions; metrics in the order of their definitions, each with its type. */
export function exposition(regions: readonly AnsweredRegion[], nowMs: number): string {
  const lines = [
    ...family('mesh_up', 'gauge', 'Whether the region’s monitor has answered.'),
    ...regions.map((each) => sample('mesh_up', regionOf(each), each.metrics === undefined ? 0 : 1)),
    ...family('mesh_counting_since_seconds', 'gauge', 'When the region’s monitor began to count, Unix time.'),
    ...regions.flatMap((each) =>
      each.metrics === undefined
        ? []
        : [sample('mesh_counting_since_seconds', regionOf(each), each.metrics.sinceMs / 1_000)],
    ),
  ]
  // The keys of these tables are the names, which TypeScript does not say of Object.keys.
  for (const name of Object.keys(COUNTERS) as CounterName[]) lines.push(...counterLines(name, regions))
  for (const name of Object.keys(HISTOGRAMS) as HistogramName[]) lines.push(...histogramLines(name, regions))
  for (const name of Object.keys(GAUGES) as GaugeName[]) lines.push(...gaugeLines(name, regions, nowMs))
  return `${lines.join('\n')}\n`
}

function counterLines(name: CounterName, regions: readonly AnsweredRegion[]): string[] {
  const samples = regions.flatMap((each) =>
    Object.entries(each.metrics?.counts.counters[name] ?? {}).map(([labels, count]) =>
      sample(name, joined(regionOf(each), labels), count),
    ),
  )
  return [...family(name, 'counter', COUNTERS[name].help), ...samples]
}

function histogramLines(name: HistogramName, regions: readonly AnsweredRegion[]): string[] {
  const ends: readonly number[] = HISTOGRAMS[name].buckets
  const samples = regions.flatMap((each) =>
    Object.entries(each.metrics?.counts.histograms[name] ?? {}).flatMap(([labels, histogram]) =>
      bucketLines(name, joined(regionOf(each), labels), histogram, ends),
    ),
  )
  return [...family(name, 'histogram', HISTOGRAMS[name].help), ...samples]
}

/** Each bucket counts what is in those before it, too. */
function bucketLines(name: string, labels: string, histogram: Histogram, ends: readonly number[]): string[] {
  let count = 0
  const buckets = [...ends, Infinity].map((end, at) => {
    count += histogram.buckets[at] ?? 0
    const le = Number.isFinite(end) ? String(end) : '+Inf'
    return sample(`${name}_bucket`, joined(labels, labelText({ le })), count)
  })
  return [
    ...buckets,
    sample(`${name}_sum`, labels, histogram.sumMicros / 1_000_000),
    sample(`${name}_count`, labels, count),
  ]
}

function gaugeLines(name: GaugeName, regions: readonly AnsweredRegion[], nowMs: number): string[] {
  const samples = regions.flatMap((each) =>
    (each.metrics === undefined ? [] : gaugesOf(each.metrics.snapshot, nowMs))
      .filter((gauge) => gauge.name === name)
      .map(({ labels, value }) => sample(name, joined(regionOf(each), labelText(labels)), value)),
  )
  return [...family(name, 'gauge', GAUGES[name].help), ...samples]
}

function family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
}

function regionOf({ region }: AnsweredRegion): string {
  return labelText({ region })
}

function joined(...labels: readonly string[]): string {
  return labels.filter((text) => text !== '').join(',')
}

function sample(name: string, labels: string, value: number): string {
  return `${name}{${labels}} ${value}`
}
