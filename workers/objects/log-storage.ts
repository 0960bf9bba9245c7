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
  /** Undefined where there is none, or what is there cannot be read. */
  find(fingerprint: string): StoredLog | undefined
  /** The lines of a log, segment by segment; undefined if any is missing. */
  segments(fingerprint: string): Uint8Array[] | undefined
  /** Replaces what there was under the fingerprint. @throws where the database does */
  save(fingerprint: string, log: StoredLog, lines: Uint8Array): void
  /** Deletes what has expired. */
  sweep(nowMs: number): void
  /** When the first of the logs will expire. */
  nextExpiryMs(): number | undefined
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
      fingerprint TEXT PRIMARY KEY, format INTEGER NOT NULL, about TEXT NOT NULL, bytes INTEGER NOT NULL,
      expires_at_ms INTEGER NOT NULL
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
      return row === undefined ? undefined : readAbout(row.about)
    },

    segments(fingerprint) {
      const [whole] = sql
        .exec<{ bytes: number }>('SELECT bytes FROM log WHERE fingerprint = ?', fingerprint)
        .toArray()
      const segments = sql
        .exec<{ lines: ArrayBuffer }>(
          'SELECT lines FROM segment WHERE fingerprint = ? ORDER BY number',
          fingerprint,
        )
        .toArray()
        .map(({ lines }) => new Uint8Array(lines))
      const bytes = segments.reduce((sum, segment) => sum + segment.byteLength, 0)
      return bytes === whole?.bytes ? segments : undefined
    },

    save(fingerprint, log, lines) {
      storage.transactionSync(() => {
        remove(fingerprint)
        sql.exec(
          'INSERT INTO log (fingerprint, format, about, bytes, expires_at_ms) VALUES (?, ?, ?, ?, ?)',
          fingerprint,
          FORMAT,
          JSON.stringify(log),
          lines.byteLength,
          log.summary.expiresAtMs,
        )
        for (let number = 0; number * SEGMENT_BYTES < lines.byteLength; number += 1) {
          const segment = lines.slice(number * SEGMENT_BYTES, (number + 1) * SEGMENT_BYTES)
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
    },

    nextExpiryMs() {
      const [next] = sql.exec<{ at: number | null }>('SELECT MIN(expires_at_ms) AS at FROM log').toArray()
      return next?.at ?? undefined
    },
  }
}

function readAbout(about: string): StoredLog | undefined {
  try {
    return storedLog.safeParse(JSON.parse(about)).data
  } catch {
    // Not JSON: as good as not there.
    return undefined
  }
}
