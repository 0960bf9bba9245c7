/**
 * Vectors in a shard's SQLite, encrypted, one row for each: many are read with one statement and written in one
 * transaction. The table is listed in docs/storage.md.
 */
import { createPromotions } from '../../shared/embedding/promotions.ts'
import type { EmbeddingsLookup, EmbeddingToKeep, FoundEmbedding } from './embedding-rpc.ts'

export interface EmbeddingStore {
  /** Those that there are and that have not expired. */
  read(lookup: EmbeddingsLookup, nowMs: number): FoundEmbedding[]
  /** Replaces what there was under the names. @throws where the database does */
  write(embeddings: readonly EmbeddingToKeep[]): void
  /** Deletes what has expired. */
  sweep(nowMs: number): void
  /** When the first of the rows will expire, rounded up to a second: each has its own time, and an alarm is a write. */
  nextExpiryMs(): number | undefined
}

/** A call between isolates carries 32 MiB; what would not fit counts as not there. */
const MAX_READ_BYTES = 24 * 1024 * 1024
const MAX_NAMES_REMEMBERED = 20_000
const SECOND_MS = 1000

interface Row extends Record<string, SqlStorageValue> {
  name: string
  sealed: ArrayBuffer
}

export function createEmbeddingStore(storage: DurableObjectStorage, copiesPerHour: number): EmbeddingStore {
  const { sql } = storage
  const promotions = createPromotions({ perHour: copiesPerHour, maxNames: MAX_NAMES_REMEMBERED })
  sql.exec(`
    CREATE TABLE IF NOT EXISTS embedding (
      name TEXT PRIMARY KEY, sealed BLOB NOT NULL, expires_at_ms INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS embedding_by_expiry ON embedding (expires_at_ms);
  `)

  return {
    read({ tenant, names, maxCopies }, nowMs) {
      // The names as one JSON text: a statement takes 100 parameters at the most.
      const rows = sql.exec<Row>(
        `SELECT name, sealed FROM embedding
         WHERE name IN (SELECT value FROM json_each(?)) AND expires_at_ms > ?`,
        JSON.stringify(names),
        nowMs,
      )
      const found: FoundEmbedding[] = []
      let readBytes = 0
      let copies = 0
      for (const { name, sealed } of rows) {
        readBytes += sealed.byteLength
        if (readBytes > MAX_READ_BYTES) break
        const isToCopy = copies < maxCopies && promotions.isDue({ tenant, name, nowMs })
        if (isToCopy) copies += 1
        found.push({ name, sealed: new Uint8Array(sealed), isToCopy })
      }
      return found
    },

    write(embeddings) {
      storage.transactionSync(() => {
        for (const { name, sealed, expiresAtMs } of embeddings) {
          sql.exec(
            'INSERT OR REPLACE INTO embedding (name, sealed, expires_at_ms) VALUES (?, ?, ?)',
            name,
            sealed,
            expiresAtMs,
          )
        }
      })
    },

    sweep(nowMs) {
      sql.exec('DELETE FROM embedding WHERE expires_at_ms <= ?', nowMs)
    },

    nextExpiryMs() {
      const { at } = sql.exec<{ at: number | null }>('SELECT MIN(expires_at_ms) AS at FROM embedding').one()
      return at === null ? undefined : Math.ceil(at / SECOND_MS) * SECOND_MS
    },
  }
}
