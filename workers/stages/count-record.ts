/** Counts a request that is recorded, for its region's monitor to be told behind it. It can never fail a request. */
import { countRequest, type CountedRequest } from '../../shared/metrics/count-request.ts'
import { edgeRegionOf } from '../../shared/residency/arrival.ts'
import type { Edge } from '../edge.ts'
import type { Settled } from './charge.ts'
import type { RequestRecord } from './record.ts'

export function countRecord(entry: RequestRecord, settled: Settled | undefined, edge: Edge): void {
  const { context } = entry
  try {
    const region = (context.edgeRegion ?? edgeRegionOf(context.arrival, edge.mesh.config.regions)).id
    const counted = countedOf(entry, edge.runtime.now())
    countRequest(edge.counts.of(region), {
      ...counted,
      microdollars: settled?.microdollars,
      savedMicrodollars: settled?.savedMicrodollars,
    })
    edge.monitor.refresh(edge.pools.seenFrom(region))
  } catch {
    // A count that is lost is not the client's trouble.
  }
}

/** What of a record is in words of ours and names of the config. */
export function countedOf(entry: RequestRecord, nowMs: number): CountedRequest {
  const { context, facts, end, batch, begunAtMs } = entry
  return {
    surface: context.surface,
    tenant: context.tenant?.id,
    model: context.model?.id,
    outcome: end?.outcome ?? entry.error ?? 'completed',
    error: entry.error,
    cache: entry.isResumed === true ? 'resumed' : facts?.outcome,
    cacheDetail: context.sharing?.kind === 'private' ? context.sharing.detail : batch?.detail,
    pool: facts?.pool,
    pools: end?.pools,
    attempts: facts?.attempts,
    usage: end?.usage,
    poolFirstTokenMs: facts?.firstTokenMs,
    ...(begunAtMs === undefined ? {} : { firstTokenMs: begunAtMs - context.receivedAtMs }),
    totalMs: nowMs - context.receivedAtMs,
  }
}
