/**
 * The books of a tenant's ledger, in its SQLite: usage and what is spent of each period, slices that are out, buckets, batches
 * that were booked. Every call is one transaction, and is written before it is answered. The tables are listed in
 * docs/storage.md.
 */
import { isNothing, type Amounts } from '../../shared/ledger/amounts.ts'
import type { Batch } from '../../shared/ledger/batch.ts'
import { decideDraw, type AccountState } from '../../shared/ledger/draw.ts'
import { periodOf } from '../../shared/ledger/period.ts'
import type { Release } from '../../shared/ledger/pocket.ts'
import type { Terms } from '../../shared/ledger/terms.ts'
import type { Bucket } from '../../shared/ledger/token-bucket.ts'
import { NO_USAGE, tokensOf, type UsageEntry } from '../../shared/ledger/usage.ts'
import {
  TENANT_SCOPE,
  type DrawAnswer,
  type DrawRequest,
  type UsageQuery,
  type UsageReport,
} from './ledger-rpc.ts'
import { createOutputTable } from './output-table.ts'
import { createUsageTables } from './usage-tables.ts'

export interface LedgerBook {
  draw(request: DrawRequest, nowMs: number): DrawAnswer
  settle(batch: Batch, nowMs: number): void
  usage(query: UsageQuery, nowMs: number): UsageReport
  /** Charges slices that nobody will settle any more, and deletes what is old. */
  sweep(nowMs: number): void
  /** When there is next something to sweep. */
  nextSweepMs(): number | undefined
}

/** Added to the longest answer and lease before a slice counts as lost: a batch may be on its way, or be tried again. */
const LOST_MARGIN_MS = 60_000
/** How long the name of a batch, or of a slice that was given up, is remembered: longer than anybody tries. */
const REMEMBERED_MS = 3_600_000

type SliceRow = Record<keyof Amounts, number> & {
  scope: string
  counts_money: number
  counts_tokens: number
}

/** `longestMs`: how long a request may hold a part of a slice. */
export function createLedgerBook(storage: DurableObjectStorage, longestMs: number): LedgerBook {
  const { sql } = storage
  const lostAfterMs = longestMs + LOST_MARGIN_MS
  const tables = createUsageTables(sql)
  const outputs = createOutputTable(sql)
  sql.exec(`
    CREATE TABLE IF NOT EXISTS slice (
      id TEXT PRIMARY KEY, scope TEXT NOT NULL, granted_at_ms INTEGER NOT NULL, answer TEXT NOT NULL,
      microdollars INTEGER NOT NULL, tokens INTEGER NOT NULL, requests INTEGER NOT NULL, places INTEGER NOT NULL,
      counts_money INTEGER NOT NULL, counts_tokens INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS slice_by_time ON slice (granted_at_ms);
    CREATE TABLE IF NOT EXISTS bucket (
      scope TEXT NOT NULL, of TEXT NOT NULL, level REAL NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (scope, of)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS booked (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS booked_by_time ON booked (at_ms);
  `)

  function stateOf(scope: string, terms: Terms, nowMs: number): AccountState {
    const { budget } = terms
    const spent =
      budget === undefined
        ? { microdollars: 0, tokens: 0 }
        : tables.spent(scope, periodOf(budget.period, nowMs))
    return {
      spent,
      outstanding: outstandingOf(scope),
      requests: bucketOf(scope, 'requests', terms.requestsPerMinute ?? 0, nowMs),
      tokens: bucketOf(scope, 'tokens', terms.tokensPerMinute ?? 0, nowMs),
    }
  }

  function outstandingOf(scope: string): Amounts {
    return sql
      .exec<Record<keyof Amounts, number>>(
        `SELECT COALESCE(SUM(microdollars), 0) AS microdollars, COALESCE(SUM(tokens), 0) AS tokens,
           COALESCE(SUM(requests), 0) AS requests, COALESCE(SUM(places), 0) AS places
         FROM slice WHERE scope = ?`,
        scope,
      )
      .one()
  }

  /** One that was never used is full. */
  function bucketOf(scope: string, of: 'requests' | 'tokens', perMinute: number, nowMs: number): Bucket {
    const [row] = sql
      .exec<{ level: number; at_ms: number }>(
        'SELECT level, at_ms FROM bucket WHERE scope = ? AND of = ?',
        scope,
        of,
      )
      .toArray()
    return row === undefined ? { level: perMinute, atMs: nowMs } : { level: row.level, atMs: row.at_ms }
  }

  function writeBucket(scope: string, of: 'requests' | 'tokens', { level, atMs }: Bucket): void {
    sql.exec(
      'INSERT OR REPLACE INTO bucket (scope, of, level, at_ms) VALUES (?, ?, ?, ?)',
      scope,
      of,
      level,
      atMs,
    )
  }

  function draw({ id, scope, terms, need, want }: DrawRequest, nowMs: number): DrawAnswer {
    const [known] = sql.exec<{ answer: string }>('SELECT answer FROM slice WHERE id = ?', id).toArray()
    // Its answer was lost on the way, and it is asked for again.
    if (known !== undefined) return JSON.parse(known.answer) as DrawAnswer
    const decided = decideDraw(terms, stateOf(scope, terms, nowMs), { need, want }, nowMs)
    // Who gave up waiting for it said so before the question was here.
    const isVoid = wasBooked(voidOf(id))
    if (decided.kind === 'refused' || isVoid) {
      const refusal =
        decided.kind === 'refused' ? decided.refusal : ({ limit: 'reserved', waitMs: 0 } as const)
      return { kind: 'refused', refusal, levels: decided.levels }
    }
    const { granted, levels } = decided
    if (terms.requestsPerMinute !== undefined) writeBucket(scope, 'requests', decided.requests)
    if (terms.tokensPerMinute !== undefined) writeBucket(scope, 'tokens', decided.tokens)
    const answer: DrawAnswer = { kind: 'granted', granted, levels, usualOutputs: outputs.usual() }
    sql.exec(
      'INSERT INTO slice VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      id,
      scope,
      nowMs,
      JSON.stringify(answer),
      granted.microdollars,
      granted.tokens,
      granted.requests,
      granted.places,
      terms.budget?.microdollars === undefined ? 0 : 1,
      terms.budget?.tokens === undefined ? 0 : 1,
    )
    return answer
  }

  function release({ slice: id, amounts, unused }: Release): void {
    const slice = sliceOf(id)
    if (slice === undefined) return
    const left: Amounts = {
      microdollars: Math.max(0, slice.microdollars - amounts.microdollars),
      tokens: Math.max(0, slice.tokens - amounts.tokens),
      requests: Math.max(0, slice.requests - amounts.requests),
      places: Math.max(0, slice.places - amounts.places),
    }
    if (isNothing(left)) sql.exec('DELETE FROM slice WHERE id = ?', id)
    else {
      const { microdollars, tokens, requests, places } = left
      sql.exec(
        'UPDATE slice SET microdollars = ?, tokens = ?, requests = ?, places = ? WHERE id = ?',
        microdollars,
        tokens,
        requests,
        places,
        id,
      )
    }
    putBack(slice.scope, unused)
  }

  /** What is too much for a bucket it loses when it is next looked at. */
  function putBack(scope: string, { tokens, requests }: Release['unused']): void {
    sql.exec('UPDATE bucket SET level = level + ? WHERE scope = ? AND of = ?', tokens, scope, 'tokens')
    sql.exec('UPDATE bucket SET level = level + ? WHERE scope = ? AND of = ?', requests, scope, 'requests')
  }

  function giveUp(id: string, nowMs: number): void {
    const slice = sliceOf(id)
    if (slice !== undefined) putBack(slice.scope, slice)
    sql.exec('DELETE FROM slice WHERE id = ?', id)
    book(voidOf(id), nowMs)
  }

  function sliceOf(id: string): SliceRow | undefined {
    return sql
      .exec<SliceRow>(
        `SELECT scope, microdollars, tokens, requests, places, counts_money, counts_tokens FROM slice WHERE id = ?`,
        id,
      )
      .toArray()[0]
  }

  /** What is spent under a key is spent by its tenant. */
  function bookEntry(entry: UsageEntry, nowMs: number): void {
    tables.count(entry, nowMs)
    const spent = { microdollars: entry.microdollars, tokens: tokensOf(entry) }
    for (const scope of new Set([TENANT_SCOPE, entry.key])) tables.spend(scope, spent, nowMs)
  }

  function wasBooked(id: string): boolean {
    return sql.exec('SELECT 1 FROM booked WHERE id = ?', id).toArray().length > 0
  }

  function book(id: string, nowMs: number): void {
    sql.exec('INSERT OR REPLACE INTO booked (id, at_ms) VALUES (?, ?)', id, nowMs)
  }

  function chargeLost(nowMs: number): void {
    const lost = sql
      .exec<SliceRow & { id: string }>('SELECT * FROM slice WHERE granted_at_ms <= ?', nowMs - lostAfterMs)
      .toArray()
    for (const { id, scope, microdollars, tokens, counts_money: money, counts_tokens: counted } of lost) {
      sql.exec('DELETE FROM slice WHERE id = ?', id)
      const charged = { microdollars: money === 1 ? microdollars : 0, tokens: counted === 1 ? tokens : 0 }
      if (charged.microdollars === 0 && charged.tokens === 0) continue
      tables.spend(scope, charged, nowMs)
      // Of a request, the tenant and its key have each lost a slice: it is listed once.
      if (scope !== TENANT_SCOPE) continue
      const listed = { microdollars: charged.microdollars, promptTokens: charged.tokens }
      tables.count({ ...NO_USAGE, ...listed, model: '', pool: '', key: '', kind: 'lost' }, nowMs)
    }
  }

  return {
    draw: (request, nowMs) => storage.transactionSync(() => draw(request, nowMs)),
    settle(batch, nowMs) {
      storage.transactionSync(() => {
        if (wasBooked(batch.id)) return
        book(batch.id, nowMs)
        for (const entry of batch.entries) bookEntry(entry, nowMs)
        for (const each of batch.releases) release(each)
        for (const id of batch.voids) giveUp(id, nowMs)
        outputs.count(batch.outputs)
      })
    },
    usage(query, nowMs) {
      const { key } = query
      return {
        ...tables.report(query),
        unsettled: outstandingOf(key ?? TENANT_SCOPE),
        spent: tables.spentNow(key ?? TENANT_SCOPE, nowMs),
      }
    },
    sweep(nowMs) {
      storage.transactionSync(() => {
        chargeLost(nowMs)
        sql.exec('DELETE FROM booked WHERE at_ms <= ?', nowMs - REMEMBERED_MS)
        tables.sweep(nowMs)
      })
    },
    nextSweepMs() {
      const { slice, booked } = sql
        .exec<{ slice: number | null; booked: number | null }>(
          'SELECT (SELECT MIN(granted_at_ms) FROM slice) AS slice, (SELECT MIN(at_ms) FROM booked) AS booked',
        )
        .one()
      const times = [
        slice === null ? [] : [slice + lostAfterMs],
        booked === null ? [] : [booked + REMEMBERED_MS],
      ]
      const next = Math.min(...times.flat())
      return next === Infinity ? undefined : next
    },
  }
}

function voidOf(slice: string): string {
  return `void ${slice}`
}
