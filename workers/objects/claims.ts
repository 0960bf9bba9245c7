/** Which request each Idempotency-Key stands for: keyed digests of both, in the shard's SQLite. */

export interface Claims {
  /** Whether the name stands for this request, now that it is asked for. */
  claim(name: string, request: string, expiresAtMs: number, nowMs: number): boolean
  sweep(nowMs: number): void
  nextExpiryMs(): number | undefined
}

export function createClaims({ sql }: DurableObjectStorage): Claims {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS claim (name TEXT PRIMARY KEY, request TEXT NOT NULL, expires_at_ms INTEGER NOT NULL) WITHOUT ROWID',
  )
  return {
    claim(name, request, expiresAtMs, nowMs) {
      const [claimed] = sql
        .exec<{ request: string }>(
          'SELECT request FROM claim WHERE name = ? AND expires_at_ms > ?',
          name,
          nowMs,
        )
        .toArray()
      if (claimed !== undefined) return claimed.request === request
      sql.exec(
        'INSERT OR REPLACE INTO claim (name, request, expires_at_ms) VALUES (?, ?, ?)',
        name,
        request,
        expiresAtMs,
      )
      return true
    },
    sweep: (nowMs) => void sql.exec('DELETE FROM claim WHERE expires_at_ms <= ?', nowMs),
    nextExpiryMs() {
      const [next] = sql.exec<{ at: number | null }>('SELECT MIN(expires_at_ms) AS at FROM claim').toArray()
      return next?.at ?? undefined
    },
  }
}
