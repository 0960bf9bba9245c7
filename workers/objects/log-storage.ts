/**
 * Logs in a shard's SQLite: a row of what is known about each, and its events in segments of bounded size, all of it
 * encrypted. Every table and column is listed in docs/storage.md.
 */

/** Which log, whose, and until when. */
export interface TakeRow {
  /** One production of an answer under a fingerprint; a refresh begins another. */
  readonly take: string
  readonly fingerprint: string
  readonly expiresAtMs: number
}

export interface StoredTake extends TakeRow {
  readonly about: Uint8Array
  /** Those that are there: what is known about the take tells whether that is all. */
  readonly segments: readonly Uint8Array[]
}

export interface LogStorage {
  /** The take that is current under the fingerprint. */
  find(fingerprint: string): StoredTake | undefined
  findTake(take: string): StoredTake | undefined
  /**
   * Adds segments to a take and replaces what is known about it. A new take is current only if no other is.
   * @throws where the database does
   */
  append(row: TakeRow, about: Uint8Array, from: number, segments: readonly Uint8Array[]): void
  /** The other takes under the fingerprint are no longer current: they are kept a little for who still reads them. */
  supersede(row: TakeRow, nowMs: number): void
  remove(take: string): void
  /** Deletes what has expired. */
  sweep(nowMs: number): void
  /** When the first of the takes will expire. */
  nextExpiryMs(): number | undefined
}

/** Format of the rows; a row of another format is taken for absent. */
const FORMAT = 2
/** How long a reader whose log was replaced can still come back to it. */
const SUPERSEDED_MS = 60_000

export function createLogStorage(storage: DurableObjectStorage): LogStorage {
  const { sql } = storage
  sql.exec(`
    DROP TABLE IF EXISTS segment;
    DROP TABLE IF EXISTS log;
    CREATE TABLE IF NOT EXISTS take (
      take TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, format INTEGER NOT NULL, about BLOB NOT NULL,
      superseded INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS take_by_fingerprint ON take (fingerprint, superseded);
    CREATE INDEX IF NOT EXISTS take_by_expiry ON take (expires_at_ms);
    CREATE TABLE IF NOT EXISTS take_segment (
      take TEXT NOT NULL, number INTEGER NOT NULL, events BLOB NOT NULL, PRIMARY KEY (take, number)
    ) WITHOUT ROWID;
  `)

  interface Row extends Record<string, SqlStorageValue> {
    take: string
    fingerprint: string
    about: ArrayBuffer
    expires_at_ms: number
  }

  function read(rows: readonly Row[]): StoredTake | undefined {
    const [row] = rows
    if (row === undefined) return undefined
    const segments = sql
      .exec<{ events: ArrayBuffer }>(
        'SELECT events FROM take_segment WHERE take = ? ORDER BY number',
        row.take,
      )
      .toArray()
      .map(({ events }) => new Uint8Array(events))
    const { take, fingerprint } = row
    return { take, fingerprint, expiresAtMs: row.expires_at_ms, about: new Uint8Array(row.about), segments }
  }

  return {
    find: (fingerprint) =>
      read(
        sql
          .exec<Row>(
            'SELECT * FROM take WHERE fingerprint = ? AND superseded = 0 AND format = ?',
            fingerprint,
            FORMAT,
          )
          .toArray(),
      ),

    findTake: (take) =>
      read(sql.exec<Row>('SELECT * FROM take WHERE take = ? AND format = ?', take, FORMAT).toArray()),

    append({ take, fingerprint, expiresAtMs }, about, from, segments) {
      storage.transactionSync(() => {
        sql.exec('DELETE FROM take_segment WHERE take = ? AND number >= ?', take, from)
        for (const [index, segment] of segments.entries()) {
          sql.exec(
            'INSERT INTO take_segment (take, number, events) VALUES (?, ?, ?)',
            take,
            from + index,
            segment,
          )
        }
        sql.exec(
          `INSERT INTO take (take, fingerprint, format, about, superseded, expires_at_ms)
           VALUES (?, ?, ?, ?, (SELECT COUNT(*) > 0 FROM take WHERE fingerprint = ? AND superseded = 0), ?)
           ON CONFLICT (take) DO UPDATE SET about = excluded.about, expires_at_ms = excluded.expires_at_ms`,
          take,
          fingerprint,
          FORMAT,
          about,
          fingerprint,
          expiresAtMs,
        )
      })
    },

    supersede({ take, fingerprint }, nowMs) {
      sql.exec(
        `UPDATE take SET superseded = 1, expires_at_ms = MIN(expires_at_ms, ?)
         WHERE fingerprint = ? AND take <> ? AND superseded = 0`,
        nowMs + SUPERSEDED_MS,
        fingerprint,
        take,
      )
      sql.exec('UPDATE take SET superseded = 0 WHERE take = ?', take)
    },

    remove(take) {
      storage.transactionSync(() => {
        sql.exec('DELETE FROM take_segment WHERE take = ?', take)
        sql.exec('DELETE FROM take WHERE take = ?', take)
      })
    },

    sweep(nowMs) {
      storage.transactionSync(() => {
        sql.exec(
          'DELETE FROM take_segment WHERE take IN (SELECT take FROM take WHERE expires_at_ms <= ?)',
          nowMs,
        )
        sql.exec('DELETE FROM take WHERE expires_at_ms <= ?', nowMs)
      })
    },

    nextExpiryMs() {
      const [next] = sql.exec<{ at: number | null }>('SELECT MIN(expires_at_ms) AS at FROM take').toArray()
      return next?.at ?? undefined
    },
  }
}
