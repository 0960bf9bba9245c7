/**
 * A tenant's audit log in an object's SQLite: chains of entries (shared/audit/chain.ts), several of them, so that who
 * appends to one does not wait for who appends to another. Nothing of it is encrypted: entries hold names from the
 * config, codes and times, and an auditor must be able to read what the hashes are of. Where they may lie is the object's
 * matter, like that of everything else in it.
 */
import { append, beginChain, type ChainHead } from '../../shared/audit/chain.ts'
import type { AuditFacts } from '../../shared/audit/entry.ts'
import { encodeEntry } from '../../shared/audit/export-lines.ts'
import type { KeptChain } from '../../shared/audit/signed-heads.ts'
import { canonicalize } from '../../shared/fingerprint/canonicalize.ts'
import type { Digests } from '../../shared/fingerprint/fingerprint.ts'

export interface AuditLog {
  /**
   * Adds entries to the end of a chain, all of them or none, and begins the chain if need be. What is there already, equal to the
   * millisecond, is not added again: whoever does not know whether an append came through may repeat it, under any chain.
   * Rejects where the database does: then nothing was added.
   */
  append(chain: string, facts: readonly AuditFacts[], nowMs: number): Promise<ChainHead>
  /** All chains as they stand, by name: what is to be signed. */
  chains(): readonly KeptChain[]
  /** A chain's entries after one number and up to another, as lines of an export without their line feeds. */
  page(range: ChainRange): readonly string[]
  /** Entries of the time, in its order, likewise; `limit` of them at most. */
  find(query: AuditQuery, limit: number): AuditPage
  /**
   * Deletes what was added before a time. Entries are added in the order of their numbers and so deleted from the front: the last
   * one's number and hash are kept as what the rest of the chain begins with.
   */
  sweep(beforeMs: number): void
  /** When the oldest entry was added. */
  oldestMs(): number | undefined
}

export interface ChainRange {
  readonly chain: string
  readonly after: number
  readonly upTo: number
}

export interface AuditQuery {
  readonly fromMs?: number
  /** Not included. */
  readonly toMs?: number
  readonly requestId?: string
  /** Where the page before ended. */
  readonly after?: AuditPosition
}

export interface AuditPosition {
  readonly atMs: number
  readonly chain: string
  readonly seq: number
}

export interface AuditPage {
  readonly lines: readonly string[]
  /** Where to go on; absent: there is no more. */
  readonly next?: AuditPosition
}

interface ChainRow extends Record<string, SqlStorageValue> {
  chain: string
  seq: number
  hash: string
  base_seq: number
  base_hash: string
  added_at_ms: number
}

interface EntryRow extends Record<string, SqlStorageValue> {
  at_ms: number
  chain: string
  seq: number
  entry: string
}

/** Members that an entry has from its chain. */
const OF_THE_CHAIN: ReadonlySet<string> = new Set(['chain', 'seq', 'hash'])

export function createAuditLog(storage: DurableObjectStorage, digests: Digests): AuditLog {
  const { sql } = storage
  sql.exec(`
    CREATE TABLE IF NOT EXISTS audit_chain (
      chain TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash TEXT NOT NULL,
      base_seq INTEGER NOT NULL, base_hash TEXT NOT NULL, added_at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS audit_entry (
      chain TEXT NOT NULL, seq INTEGER NOT NULL, added_at_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL,
      request_id TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (chain, seq)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS audit_entry_by_time ON audit_entry (at_ms, chain, seq);
    CREATE INDEX IF NOT EXISTS audit_entry_by_request ON audit_entry (request_id, at_ms);
    CREATE INDEX IF NOT EXISTS audit_entry_by_age ON audit_entry (added_at_ms);
  `)
  // Digests give other calls their turn: without a queue two appends would follow the same head.
  let queue: Promise<unknown> = Promise.resolve()

  function chainOf(chain: string): ChainRow | undefined {
    return sql.exec<ChainRow>('SELECT * FROM audit_chain WHERE chain = ?', chain).toArray()[0]
  }

  function isThere(facts: AuditFacts): boolean {
    const text = canonicalize(facts)
    return sql
      .exec<{ entry: string }>('SELECT entry FROM audit_entry WHERE request_id = ?', facts.request_id)
      .toArray()
      .some(({ entry }) => factsIn(entry) === text)
  }

  async function add(chain: string, facts: readonly AuditFacts[], nowMs: number): Promise<ChainHead> {
    const row = chainOf(chain)
    const before = row ? { chain, seq: row.seq, hash: row.hash } : await beginChain(chain, digests)
    const { head, entries } = await append(
      before,
      facts.filter((each) => !isThere(each)),
      digests,
    )
    // A clock that was set back must not bring the order of deletion into disorder.
    const addedAtMs = Math.max(nowMs, row?.added_at_ms ?? nowMs)
    storage.transactionSync(() => {
      for (const entry of entries) {
        sql.exec(
          'INSERT INTO audit_entry (chain, seq, added_at_ms, at_ms, request_id, entry) VALUES (?, ?, ?, ?, ?, ?)',
          chain,
          entry.seq,
          addedAtMs,
          Date.parse(entry.at),
          entry.request_id,
          encodeEntry(entry),
        )
      }
      sql.exec(
        `INSERT INTO audit_chain (chain, seq, hash, base_seq, base_hash, added_at_ms) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (chain) DO UPDATE SET
           seq = excluded.seq, hash = excluded.hash, added_at_ms = excluded.added_at_ms`,
        chain,
        head.seq,
        head.hash,
        before.seq,
        before.hash,
        addedAtMs,
      )
    })
    return head
  }

  return {
    append(chain, facts, nowMs) {
      const added = queue.then(() => add(chain, facts, nowMs))
      // One that failed is its caller's matter; the next one comes all the same.
      queue = added.catch(() => undefined)
      return added
    },

    chains: () =>
      sql
        .exec<ChainRow>('SELECT * FROM audit_chain ORDER BY chain')
        .toArray()
        .map(({ chain, seq, hash, base_seq, base_hash }) => ({
          chain,
          seq,
          hash,
          base: { seq: base_seq, hash: base_hash },
        })),

    page: ({ chain, after, upTo }) =>
      sql
        .exec<{ entry: string }>(
          'SELECT entry FROM audit_entry WHERE chain = ? AND seq > ? AND seq <= ? ORDER BY seq',
          chain,
          after,
          upTo,
        )
        .toArray()
        .map(({ entry }) => entry),

    find({ fromMs = 0, toMs = Number.MAX_SAFE_INTEGER, requestId, after }, limit) {
      const rows = sql
        .exec<EntryRow>(
          `SELECT at_ms, chain, seq, entry FROM audit_entry
           WHERE ${requestId === undefined ? '' : 'request_id = ? AND '}at_ms >= ? AND at_ms < ?
             AND (at_ms, chain, seq) > (?, ?, ?)
           ORDER BY at_ms, chain, seq LIMIT ?`,
          ...(requestId === undefined ? [] : [requestId]),
          fromMs,
          toMs,
          ...(after === undefined ? [-1, '', 0] : [after.atMs, after.chain, after.seq]),
          limit + 1,
        )
        .toArray()
      const last = rows.length > limit ? rows[limit - 1] : undefined
      return {
        lines: rows.slice(0, limit).map(({ entry }) => entry),
        ...(last && { next: { atMs: last.at_ms, chain: last.chain, seq: last.seq } }),
      }
    },

    sweep(beforeMs) {
      storage.transactionSync(() => {
        sql.exec(
          `UPDATE audit_chain SET (base_seq, base_hash) = (
             SELECT seq, entry ->> '$.hash' FROM audit_entry
             WHERE audit_entry.chain = audit_chain.chain AND audit_entry.added_at_ms < ?1 ORDER BY seq DESC LIMIT 1
           ) WHERE EXISTS (
             SELECT 1 FROM audit_entry WHERE audit_entry.chain = audit_chain.chain AND audit_entry.added_at_ms < ?1
           )`,
          beforeMs,
        )
        sql.exec('DELETE FROM audit_entry WHERE added_at_ms < ?', beforeMs)
      })
    },

    oldestMs() {
      const [oldest] = sql
        .exec<{ at: number | null }>('SELECT MIN(added_at_ms) AS at FROM audit_entry')
        .toArray()
      return oldest?.at ?? undefined
    },
  }
}

/** What an entry's line says, less its place: the text that equal facts have. */
function factsIn(line: string): string {
  // Lines of this table are entries of ours.
  const entry = JSON.parse(line) as Readonly<Record<string, unknown>>
  return canonicalize(Object.fromEntries(Object.entries(entry).filter(([name]) => !OF_THE_CHAIN.has(name))))
}
