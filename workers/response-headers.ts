/** The headers an answer carries: what served it, from where, why, and for how long it holds. */
import { cacheStatus, type CacheOutcome } from '../shared/cache/cache-status.ts'
import type { AnswerFacts } from '../shared/log/answer-facts.ts'
import type { Run } from '../shared/log/run.ts'
import { shardOf } from '../shared/log/shard-of.ts'
import type { Answered, Fingerprinted } from './contexts.ts'
import type { Edge } from './edge.ts'
import { runIdOf } from './run-id.ts'

export const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

export const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' } as const

/** Outcomes in which what comes first was made before this request. */
const REPLAYS: ReadonlySet<AnswerFacts['outcome']> = new Set(['hit', 'coalesced', 'extended'])

/** Headers that need no answer: all that a stream has which began before its own did. */
export async function earlyHeaders(context: Fingerprinted, edge: Edge): Promise<Record<string, string>> {
  const { pools, restricted } = context.placement
  const [jurisdiction, ...others] = new Set(pools.map(({ region }) => region.jurisdiction))
  const isKnown = jurisdiction !== undefined && others.length === 0
  return {
    ...(await runHeader(context, edge)),
    ...(isKnown ? { 'x-mesh-residency': residency(jurisdiction, restricted) } : {}),
  }
}

/** Headers of an answer that has begun, or is there whole. */
export async function answerHeaders(
  context: Answered,
  edge: Edge,
  { isStored }: { readonly isStored: boolean },
): Promise<Record<string, string>> {
  const { facts } = context.answer
  const nowMs = edge.runtime.now()
  const ageSeconds = Math.max(0, Math.floor((nowMs - facts.createdAtMs) / 1000))
  const isReplay = REPLAYS.has(facts.outcome)
  const word = wordOf(context)
  return {
    'x-mesh-cache': word,
    'cache-status': cacheStatus(cacheOutcome(context, isStored)),
    ...(isReplay ? { age: String(ageSeconds) } : {}),
    ...(await runHeader(context, edge)),
    ...factHeaders(facts),
    'x-mesh-residency': residency(facts.jurisdiction, context.placement.restricted),
    'server-timing': serverTiming(facts, nowMs - context.receivedAtMs),
  }
}

/** What nobody else gets was not made for a cache, though a log has it. */
export function wordOf({ answer: { facts }, sharing }: Answered): AnswerFacts['outcome'] {
  const isAlone = sharing.kind === 'shared' && sharing.alone !== undefined
  return isAlone && facts.outcome === 'miss' ? 'bypass' : facts.outcome
}

function cacheOutcome({ answer: { facts }, sharing }: Answered, isStored: boolean): CacheOutcome {
  if (sharing.kind === 'shared' && sharing.alone !== undefined && facts.outcome === 'miss') {
    return { word: 'bypass', reason: sharing.alone }
  }
  if (sharing.kind === 'private') return { word: 'bypass', reason: sharing.detail }
  switch (facts.outcome) {
    case 'hit':
      return {
        word: 'hit',
        ttlSeconds: facts.ttlSeconds ?? 0,
        ...(facts.stitched === true ? { isStitched: true } : {}),
      }
    case 'bypass':
      return { word: 'bypass', reason: 'shard_unreachable' }
    case 'coalesced':
    case 'extended':
      return { word: facts.outcome }
    case 'miss':
    case 'refresh':
      return { word: facts.outcome, isStored }
  }
}

/** Who made an answer, and why there. */
export function factHeaders(facts: AnswerFacts): Record<string, string> {
  return {
    'x-mesh-pool': facts.pool,
    'x-mesh-region': facts.region,
    'x-mesh-route': facts.route,
    'x-mesh-attempts': String(facts.attempts),
  }
}

/** Under which the client may come back; where there is a log to come back to. */
export async function runHeader(
  context: Fingerprinted & { readonly answer?: Answered['answer'] },
  edge: Edge,
): Promise<{ 'x-mesh-run'?: string }> {
  const { sharing, narrowing, generation, answer, requestDigest } = context
  if (sharing.kind === 'private' || requestDigest === undefined) return {}
  const { key } = await edge.keys.of(context.tenant.id)
  const run: Run = {
    nonce: context.run,
    surface: context.surface,
    model: context.generation.model,
    fingerprint: sharing.fingerprint,
    asked: requestDigest,
    epoch: sharing.lease.epoch,
    home: sharing.home.region,
    shard: shardOf(sharing.fingerprint, edge.mesh.config.log.shards_per_home),
    includeUsage: generation.includeUsage,
    createdSeconds: Math.floor(context.receivedAtMs / 1000),
    ...(answer?.take === undefined ? {} : { take: answer.take }),
    ...(generation.tokenLimit === undefined ? {} : { limit: generation.tokenLimit }),
    ...(narrowing.residency === undefined ? {} : { narrow: [...narrowing.residency] }),
    ...(narrowing.dataClass === undefined ? {} : { dataClass: narrowing.dataClass }),
    ...(narrowing.headers === undefined ? {} : { headers: { ...narrowing.headers } }),
  }
  return { 'x-mesh-run': await runIdOf(run, { key, keyId: context.keyId }) }
}

/** Where it was processed, and whether rules had a say: `eu; restricted`. */
function residency(jurisdiction: string, isRestricted: boolean): string {
  return isRestricted ? `${jurisdiction}; restricted` : jurisdiction
}

/** Only spans with I/O: on Cloudflare the clock stands still between them. */
function serverTiming(facts: AnswerFacts, elapsedMs: number): string {
  const isReplay = REPLAYS.has(facts.outcome)
  const pool = isReplay ? '' : `pool;dur=${facts.firstTokenMs}, `
  return `${pool}total;dur=${elapsedMs}`
}
