/** What a shard tells a reader about the log it is given. */
import type { AnswerFacts } from '../../shared/log/answer-facts.ts'
import { encodeAbout, type KeptLog } from '../../shared/log/document.ts'
import { isWholeFor } from '../../shared/log/length-cut.ts'
import type { GenerationJob } from './log-shard-rpc.ts'

export function factsOfLog(
  { log, life, origin }: KeptLog,
  outcome: AnswerFacts['outcome'],
  nowMs: number,
): AnswerFacts {
  const [first] = log.producers
  if (first === undefined) throw new Error('a log that has begun has a producer')
  return {
    outcome,
    pool: first.pool,
    region: first.region,
    jurisdiction: first.jurisdiction,
    ...origin,
    modelVersion: life.modelVersion,
    createdAtMs: life.createdAtMs,
    ttlSeconds: Math.max(0, Math.floor((life.expiresAtMs - nowMs) / 1000)),
    ...(log.producers.length > 1 ? { stitched: true } : {}),
  }
}

/** An isolate keeps what is small, so that many fit. */
const MAX_COPY_CHARACTERS = 128 * 1024

/**
 * What an edge needs, besides the lines it gets, to keep a copy of the log; undefined where it may not, or where this reader
 * gets only a part.
 */
export function copyFor({ cache, generation }: GenerationJob, kept: KeptLog): string | undefined {
  const isWhole = isWholeFor(kept.log, generation.tokenLimit) && kept.log.size <= MAX_COPY_CHARACTERS
  return cache.wantsCopy && isWhole ? encodeAbout(kept) : undefined
}
