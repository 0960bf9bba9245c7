/** The headers of an embeddings answer: what of it was known, who made the rest, and why. */
import { CACHE_NAME } from '../../shared/cache/cache-status.ts'
import type { Edge } from '../edge.ts'
import type { VectorsAnswer } from './answer.ts'
import type { ItemEntries } from './contexts.ts'

export function vectorsHeaders(answer: VectorsAnswer, edge: Edge): Record<string, string> {
  const { context, outcome, known, making } = answer
  const nowMs = edge.runtime.now()
  return {
    'x-mesh-cache': outcome,
    'cache-status': [CACHE_NAME, ...cacheStatus(answer, nowMs)].join('; '),
    ...(outcome === 'hit' ? { age: String(ageSeconds(known, nowMs)) } : {}),
    ...(making === undefined
      ? {}
      : {
          'x-mesh-pool': making.candidate.placed.pool.id,
          'x-mesh-region': making.candidate.placed.region.id,
          'x-mesh-route': making.route,
          'x-mesh-attempts': String(making.attempts),
        }),
    'x-mesh-residency': residency(answer),
    'server-timing': `${making === undefined ? '' : `pool;dur=${making.tookMs}, `}total;dur=${nowMs - context.receivedAtMs}`,
  }
}

/** RFC 9211: `partial` where some were known. A detail that does not begin with a letter is a string, in quotes. */
function cacheStatus({ context, outcome, known }: VectorsAnswer, nowMs: number): string[] {
  const { keeping, batch } = context
  if (keeping.kind === 'bypass') return ['fwd=bypass', `detail=${keeping.detail}`]
  const detail = `detail="${known.size}/${batch.items.length}"`
  if (outcome === 'hit') return ['hit', `ttl=${secondsLeft(known, nowMs)}`, detail]
  if (outcome === 'refresh') return ['fwd=request', detail]
  return [known.size > 0 ? 'fwd=partial' : 'fwd=miss', detail]
}

/** Of the oldest. */
function ageSeconds(known: ItemEntries, nowMs: number): number {
  const oldestMs = Math.min(...[...known.values()].map(({ createdAtMs }) => createdAtMs))
  return Math.max(0, Math.floor((nowMs - oldestMs) / 1000))
}

/** Until the first of them expires. */
function secondsLeft(known: ItemEntries, nowMs: number): number {
  const firstMs = Math.min(...[...known.values()].map(({ expiresAtMs }) => expiresAtMs))
  return Math.max(0, Math.floor((firstMs - nowMs) / 1000))
}

/** Where the vectors were made, all of them: `eu, us`, or `eu; restricted`. */
function residency({ context: { placement }, known, making }: VectorsAnswer): string {
  const pools = new Set([...known.values(), ...(making?.entries.values() ?? [])].map(({ pool }) => pool))
  const made = placement.pools.filter(({ pool }) => pools.has(pool.id))
  const jurisdictions = [...new Set(made.map(({ region }) => region.jurisdiction))].toSorted().join(', ')
  return placement.restricted ? `${jurisdictions}; restricted` : jurisdictions
}
