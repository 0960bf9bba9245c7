/** Hands the spans of a request that is recorded to the exporters that may have them, behind it. It can never fail a request. */
import type { ErrorReason } from '../../shared/errors.ts'
import { edgeRegionOf, jurisdictionOfArrival } from '../../shared/residency/arrival.ts'
import { mayExport } from '../../shared/telemetry/may-export.ts'
import { isFault, spansOf, type TracedRequest } from '../../shared/telemetry/span.ts'
import { isSampled, traceIdsOf } from '../../shared/telemetry/trace-parent.ts'
import type { Edge } from '../edge.ts'
import { countedOf } from './count-record.ts'
import type { RequestRecord } from './record.ts'

/** Before a run is opened, nobody knows what its first request had asked for. */
const OF_RUNS: ReadonlySet<ErrorReason | undefined> = new Set([
  'run_not_found',
  'run_unavailable',
  'residency_violation',
])

export function exportRecord(entry: RequestRecord, edge: Edge): void {
  try {
    const { config } = edge.mesh
    const { exporters } = edge.deployed
    if (exporters.length === 0) return
    const { context } = entry
    const { arrival, tenant, placement } = context
    const isNarrowed = context.narrowing?.residency !== undefined || OF_RUNS.has(entry.error)
    const allowed = exporters.filter(({ exporter }) =>
      mayExport({ arrival, tenant, placement, isNarrowed }, exporter, config),
    )
    if (allowed.length === 0) return
    const traced = tracedOf(entry, edge)
    const taking = allowed.filter(
      ({ exporter }) => isFault(traced) || isSampled(traced.ids.traceId, exporter.share),
    )
    if (taking.length === 0) return
    const spans = spansOf(traced)
    const from = context.edgeRegion ?? edgeRegionOf(arrival, config.regions)
    for (const target of taking) edge.spans.add(target, spans, from, edge.waitUntil)
  } catch {
    // A trace that is lost is not the client's trouble.
  }
}

function tracedOf(entry: RequestRecord, edge: Edge): TracedRequest {
  const { context, status, facts } = entry
  const { arrival, requestId, receivedAtMs } = context
  const { pools, regions } = edge.mesh.config
  const pool = pools.find(({ id }) => id === facts?.pool)
  return {
    ...countedOf(entry, edge.runtime.now()),
    ids: traceIdsOf(requestId, context.request.headers.get('traceparent')),
    requestId,
    receivedAtMs,
    status,
    jurisdiction: jurisdictionOfArrival(arrival, regions),
    edgeRegion: (context.edgeRegion ?? edgeRegionOf(arrival, regions)).id,
    colo: arrival.colo,
    config: context.configVersion,
    modelVersion: context.modelVersion,
    dialect: pool?.dialect,
    poolRegion: pool?.region,
    stream: context.generation?.stream,
  }
}
