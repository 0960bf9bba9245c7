/** Decides whether a kept vector may be used for a request. */
import type { DistrustedTime } from '../log/reading.ts'
import type { EmbeddingEntry } from './entry.ts'

export interface EmbeddingReader {
  readonly model: string
  readonly modelVersion: string
  /** Pools whose output the reader's placement allows. */
  readonly allowedPools: ReadonlySet<string>
  /** Oldest vector the reader takes: the least of its TTL and its own wish. */
  readonly maxAgeSeconds: number
  readonly distrusted: readonly DistrustedTime[]
  readonly nowMs: number
}

export function isUsable(entry: EmbeddingEntry, reader: EmbeddingReader): boolean {
  return (
    entry.model === reader.model &&
    entry.modelVersion === reader.modelVersion &&
    reader.allowedPools.has(entry.pool) &&
    reader.nowMs < entry.expiresAtMs &&
    reader.nowMs - entry.createdAtMs <= reader.maxAgeSeconds * 1000 &&
    !reader.distrusted.some((time) => isDistrusted(entry, time))
  )
}

function isDistrusted(entry: EmbeddingEntry, time: DistrustedTime): boolean {
  return (
    (time.pool === undefined || time.pool === entry.pool) &&
    (time.model === undefined || time.model === entry.model) &&
    (time.version === undefined || time.version === entry.modelVersion) &&
    entry.createdAtMs >= time.fromMs &&
    entry.createdAtMs < time.toMs
  )
}
