/** The headers every answer carries: what served it, from where, why, and for how long it holds. */
import { cacheStatus, type CacheOutcome } from '../shared/cache/cache-status.ts'
import type { AnswerFacts } from '../shared/log/answer-facts.ts'
import type { Answered } from './contexts.ts'

/** Headers of an answer, streamed or not. `nowMs` gives its age. */
export function answerHeaders(context: Answered, nowMs: number): Record<string, string> {
  const { facts } = context.answer
  const ageSeconds = Math.max(0, Math.floor((nowMs - facts.createdAtMs) / 1000))
  const isReplay = facts.outcome === 'hit' || facts.outcome === 'coalesced'
  return {
    'x-mesh-cache': facts.outcome,
    'cache-status': cacheStatus(cacheOutcome(context)),
    ...(isReplay ? { age: String(ageSeconds) } : {}),
    'x-mesh-pool': facts.pool,
    'x-mesh-region': facts.region,
    'x-mesh-route': facts.route,
    'x-mesh-attempts': String(facts.attempts),
    'x-mesh-residency': residency(context, facts),
    'server-timing': serverTiming(facts, nowMs - context.receivedAtMs),
  }
}

function cacheOutcome({ answer: { facts }, sharing }: Answered): CacheOutcome {
  if (sharing.kind === 'private') return { word: 'bypass', reason: sharing.detail }
  switch (facts.outcome) {
    case 'hit':
      return { word: 'hit', ttlSeconds: facts.ttlSeconds ?? 0 }
    case 'bypass':
      return { word: 'bypass', reason: 'shard_unreachable' }
    default:
      return { word: facts.outcome }
  }
}

/** Where it was processed, and whether rules had a say: `eu; restricted`. */
function residency(context: Answered, facts: AnswerFacts): string {
  return context.placement.restricted ? `${facts.jurisdiction}; restricted` : facts.jurisdiction
}

/** Only spans with I/O: on Cloudflare the clock stands still between them. */
function serverTiming(facts: AnswerFacts, elapsedMs: number): string {
  const isReplay = facts.outcome === 'hit' || facts.outcome === 'coalesced'
  const pool = isReplay ? '' : `pool;dur=${facts.firstTokenMs}, `
  return `${pool}total;dur=${elapsedMs}`
}
