/** A ledger's record of the keys that were made and revoked: one row each, written before anybody is told. */
import { z } from 'zod'
import { liveKeys, type ManagedKey, type ManagedKeys } from '../../shared/access/managed-keys.ts'

export interface KeyRecord {
  read(): ManagedKeys
  /** Replaces what is stored. Expired keys leave no trace but in logs and usage. */
  write(state: ManagedKeys, nowMs: number): void
}

interface KeyRow extends Record<string, SqlStorageValue> {
  id: string
  sha256: string | null
  created_at_ms: number | null
  about: string
}

/** What a row holds besides; what an older or newer version wrote otherwise counts as absent. */
const about = z.object({
  previous: z.object({ sha256: z.string(), untilMs: z.number() }).exactOptional(),
  expiresAtMs: z.number().exactOptional(),
  models: z.array(z.string()).exactOptional(),
  dataClasses: z.array(z.string()).exactOptional(),
})

export function createKeyRecord(storage: DurableObjectStorage): KeyRecord {
  const { sql } = storage
  sql.exec(`
    CREATE TABLE IF NOT EXISTS api_key (
      id TEXT PRIMARY KEY, sha256 TEXT, created_at_ms INTEGER, about TEXT NOT NULL
    ) WITHOUT ROWID;
  `)
  return {
    read() {
      const rows = sql.exec<KeyRow>('SELECT * FROM api_key ORDER BY created_at_ms, id').toArray()
      return {
        keys: rows.flatMap(keyIn),
        revoked: rows.filter(({ sha256 }) => sha256 === null).map(({ id }) => id),
      }
    },
    write(state, nowMs) {
      storage.transactionSync(() => {
        sql.exec('DELETE FROM api_key')
        for (const { id, sha256, createdAtMs, ...rest } of liveKeys(state, nowMs).keys) {
          sql.exec('INSERT INTO api_key VALUES (?, ?, ?, ?)', id, sha256, createdAtMs, JSON.stringify(rest))
        }
        for (const id of state.revoked) {
          sql.exec("INSERT INTO api_key VALUES (?, NULL, NULL, '{}')", id)
        }
      })
    },
  }
}

function keyIn({ id, sha256, created_at_ms: createdAtMs, about: text }: KeyRow): ManagedKey[] {
  if (sha256 === null || createdAtMs === null) return []
  const read = about.safeParse(JSON.parse(text))
  return read.success ? [{ id, sha256, createdAtMs, ...read.data }] : []
}
