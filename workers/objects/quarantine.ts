/**
 * Requests under which two pools died, refused for a while, so that one poisonous request does not walk through every pool.
 * It is in SQLite: what kills pools may well be sent again after the shard was idle.
 */

export interface Quarantine {
  add(fingerprint: string, untilMs: number): void
  has(fingerprint: string, nowMs: number): boolean
  sweep(nowMs: number): void
  nextExpiryMs(): number | undefined
}

export function createQuarantine({ sql }: DurableObjectStorage): Quarantine {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS quarantine (fingerprint TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID',
  )
  return {
    add(fingerprint, untilMs) {
      sql.exec(
        'INSERT OR REPLACE INTO quarantine (fingerprint, until_ms) VALUES (?, ?)',
        fingerprint,
        untilMs,
      )
    },
    has: (fingerprint, nowMs) =>
      sql
        .exec('SELECT 1 FROM quarantine WHERE fingerprint = ? AND until_ms > ?', fingerprint, nowMs)
        .toArray().length > 0,
    sweep: (nowMs) => void sql.exec('DELETE FROM quarantine WHERE until_ms <= ?', nowMs),
    nextExpiryMs() {
      const [next] = sql.exec<{ at: number | null }>('SELECT MIN(until_ms) AS at FROM quarantine').toArray()
      return next?.at ?? undefined
    },
  }
}
