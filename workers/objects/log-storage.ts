/**
 * Sealed logs in a shard's SQLite: a row of what is known about the log, and its lines in segments of bounded size.
 * Every table and column is listed in docs/storage.md.
 */
import { z } from 'zod'
import { answerFacts, type AnswerFacts } from '../../shared/log/answer-facts.ts'
import type { LogSummary } from '../../shared/log/reading.ts'

export interface StoredLog {
  readonly facts: AnswerFacts
  readonly summary: LogSummary
}

export interface LogStorage {
  find(fingerprint: string): StoredLog | undefined
  /** The lines of a log, segment by segment. */
  segments(fingerprint: string): Uint8Array[]
  /** Replaces what there was under the fingerprint. */
  save(fingerprint: string, log: StoredLog, lines: string): void
  /** Deletes what has expired and tells when the next log will. */
  sweep(nowMs: number): number | undefined
}

/** Format of the rows; a row of another format is taken for absent. */
const FORMAT = 1
/** Rows hold 2 MB at the most. */
const SEGMENT_BYTES = 1024 * 1024

const storedLog = z.object({
  facts: answerFacts,
  summary: z.object({
    state: z.literal('sealed'),
    asked: z.number().exactOptional(),
    finish: z.string().exactOptional(),
    completionTokens: z.number().exactOptional(),
    pool: z.string(),
    modelVersion: z.string(),
    createdAtMs: z.number(),
    expiresAtMs: z.number(),
  }),
})

export function createLogStorage(storage: DurableObjectStorage): LogStorage {
  const { sql } = storage
  sql.exec(`
    CREATE TABLE IF NOT EXISTS log (
      fingerprint TEXT PRIMARY KEY, format INTEGER NOT NULL, about TEXT NOT NULL, expires_at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS log_by_expiry ON log (expires_at_ms);
    CREATE TABLE IF NOT EXISTS segment (
      fingerprint TEXT NOT NULL, number INTEGER NOT NULL, lines BLOB NOT NULL, PRIMARY KEY (fingerprint, number)
    ) WITHOUT ROWID;
  `)

  function remove(fingerprint: string): void {
    sql.exec('DELETE FROM segment WHERE fingerprint = ?', fingerprint)
    sql.exec('DELETE FROM log WHERE fingerprint = ?', fingerprint)
  }

  return {
    find(fingerprint) {
      const [row] = sql
        .exec<{ about: string }>(
          'SELECT about FROM log WHERE fingerprint = ? AND format = ?',
          fingerprint,
          FORMAT,
        )
        .toArray()
      return row === undefined ? undefined : storedLog.safeParse(JSON.parse(row.about)).data
    },

    segments(fingerprint) {
      return sql
        .exec<{ lines: ArrayBuffer }>(
          'SELECT lines FROM segment WHERE fingerprint = ? ORDER BY number',
          fingerprint,
        )
        .toArray()
        .map(({ lines }) => new Uint8Array(lines))
    },

    save(fingerprint, log, lines) {
      const bytes = new TextEncoder().encode(lines)
      storage.transactionSync(() => {
        remove(fingerprint)
        sql.exec(
          'INSERT INTO log (fingerprint, format, about, expires_at_ms) VALUES (?, ?, ?, ?)',
          fingerprint,
          FORMAT,
          JSON.stringify(log),
          log.summary.expiresAtMs,
        )
        for (let number = 0; number * SEGMENT_BYTES < bytes.byteLength; number += 1) {
          const segment = bytes.slice(number * SEGMENT_BYTES, (number + 1) * SEGMENT_BYTES)
          sql.exec(
            'INSERT INTO segment (fingerprint, number, lines) VALUES (?, ?, ?)',
            fingerprint,
            number,
            segment,
          )
        }
      })
    },

    sweep(nowMs) {
      storage.transactionSync(() => {
        sql.exec(
          'DELETE FROM segment WHERE fingerprint IN (SELECT fingerprint FROM log WHERE expires_at_ms <= ?)',
          nowMs,
        )
        sql.exec('DELETE FROM log WHERE expires_at_ms <= ?', nowMs)
      })
      const [next] = sql.exec<{ at: number | null }>('SELECT MIN(expires_at_ms) AS at FROM log').toArray()
      return next?.at ?? undefined
    },
  }
}
