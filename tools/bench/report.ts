/** Makes tables of what was measured on a mesh without delays and on one with them. */
import { markdownTable, shown } from './markdown-table.ts'
import type { Samples } from './measure-hits.ts'
import type { HeapLoad, Load } from './measure-load.ts'
import type { RelayCost } from './measure-relay.ts'
import type { Throughput } from './measure-throughput.ts'
import { summarize } from './statistics.ts'
import { LONG_FRAMES } from './story.ts'

/** What was measured on one mesh. */
export interface Measured {
  readonly hits: Samples
  readonly firstToken: Samples
  readonly throughput: readonly Throughput[]
  readonly relay: readonly RelayCost[]
  readonly load: readonly Load[]
}

export interface Report {
  readonly off: Measured
  readonly on: Measured
  /** Heaps are as large whatever is delayed. */
  readonly heap: readonly HeapLoad[]
}

export function reportOf({ off, on, heap }: Report): string {
  return [
    '### Known answers, and runs that are read on (ms)',
    times(off.hits, on.hits),
    '### Time to first token (ms)',
    times(off.firstToken, on.firstToken),
    '### Known answers per second',
    rates(off.throughput, on.throughput),
    '### Relaying an answer that is being made',
    relays(off.relay, on.relay),
    '### One shard under load, delays off',
    loads(off.load),
    '### One shard under load, delays on',
    loads(on.load),
    '### Live heap under load (MiB)',
    heaps(heap),
  ].join('\n\n')
}

function times(off: Samples, on: Samples): string {
  const head = ['what', 'off: p50', 'p95', 'on: p50', 'p95', 'n']
  const rows = [...off].map(([what, without]) => {
    const delayed = on.get(what) ?? []
    const n = Math.min(without.length, delayed.length)
    return [what, ...medians(without), ...medians(delayed), String(n)]
  })
  return markdownTable(head, rows)
}

function medians(samples: readonly number[]): string[] {
  if (samples.length === 0) return ['none', 'none']
  const { p50, p95 } = summarize(samples)
  return [shown(p50), shown(p95)]
}

function rates(off: readonly Throughput[], on: readonly Throughput[]): string {
  const head = ['what', 'off: answers/s', 'CPU ms each', 'on: answers/s', 'CPU ms each']
  const rows = off.map(({ what, answersPerSecond, cpuMs }, index) => {
    const delayed = on[index]
    const cells = [answersPerSecond, cpuMs, delayed?.answersPerSecond ?? NaN, delayed?.cpuMs ?? NaN]
    return [what, ...cells.map(shown)]
  })
  return markdownTable(head, rows)
}

function relays(off: readonly RelayCost[], on: readonly RelayCost[]): string {
  const head = ['what', 'off: CPU µs per frame', 'on: CPU µs per frame']
  const rows = off.map(({ what, cpuMicroseconds }, index) => [
    what,
    shown(cpuMicroseconds),
    shown(on[index]?.cpuMicroseconds ?? NaN),
  ])
  return markdownTable(head, rows)
}

function loads(measured: readonly Load[]): string {
  const head = [
    'readers',
    'median end ms',
    'last end ms',
    'CPU ms',
    'CPU µs per reader and frame',
    'process before MiB',
    'peak MiB',
  ]
  const rows = measured.map((load) => [
    load.what,
    ...[
      load.medianEndMs,
      load.lastEndMs,
      load.cpuMs,
      (load.cpuMs * 1000) / (load.readers * LONG_FRAMES),
      load.memoryBeforeMib,
      load.memoryPeakMib,
    ].map(shown),
  ])
  return markdownTable(head, rows)
}

function heaps(measured: readonly HeapLoad[]): string {
  const head = ['readers', 'objects before', 'during', 'edge before', 'during']
  const rows = measured.map(({ what, objects, edge }) => [
    what,
    ...[objects.before, objects.during, edge.before, edge.during].map(shown),
  ])
  return markdownTable(head, rows)
}
