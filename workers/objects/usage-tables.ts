/** The tables of what was used and spent: usage by day, model, pool, key and kind of end, and sums of it by period. */
import type { Amounts } from '../../shared/ledger/amounts.ts'
import { dayOf, periodsOf } from '../../shared/ledger/period.ts'
import type { UsageCounts, UsageEntry } from '../../shared/ledger/usage.ts'
import {
  USAGE_GROUPS,
  type UsageGroup,
  type UsageQuery,
  type UsageReport,
  type UsageRow,
} from './ledger-rpc.ts'

type Spent = Pick<Amounts, 'microdollars' | 'tokens'>

export interface UsageTables {
  /** Adds an entry to the usage of the day that it is now. To be called in a transaction, as is `spend`. */
  count(entry: UsageEntry, nowMs: number): void
  /** Adds to what an account has spent in the periods that it is now. */
  spend(scope: string, spent: Spent, nowMs: number): void
  spent(scope: string, period: string): Spent
  /** By each period that it is now. */
  spentNow(scope: string, nowMs: number): Readonly<Record<string, Spent>>
  report(query: UsageQuery): Pick<UsageReport, 'rows' | 'isCut' | 'total'>
  sweep(nowMs: number): void
}

/** Rows of one answer, some 3 MB. */
const MAX_ROWS = 10_000
/** A year's bill, and a month to look at it. */
const KEPT_MS = 400 * 86_400_000

/** Columns by what they count. */
const COLUMNS = {
  requests: 'requests',
  promptTokens: 'prompt_tokens',
  cachedTokens: 'cached_tokens',
  completionTokens: 'completion_tokens',
  microdollars: 'microdollars',
  savedHit: 'saved_hit',
  savedCoalesced: 'saved_coalesced',
  savedPrefix: 'saved_prefix',
} as const satisfies Record<keyof UsageCounts, string>

const NAMES = Object.values(COLUMNS)
const SUMS = Object.entries(COLUMNS)
  .map(([count, column]) => `COALESCE(SUM(${column}), 0) AS ${count}`)
  .join(', ')

export function createUsageTables(sql: SqlStorage): UsageTables {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS usage (
      day TEXT NOT NULL, model TEXT NOT NULL, pool TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL,
      ${NAMES.map((name) => `${name} INTEGER NOT NULL`).join(', ')},
      PRIMARY KEY (day, model, pool, key, kind)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS spent (
      scope TEXT NOT NULL, period TEXT NOT NULL, microdollars INTEGER NOT NULL, tokens INTEGER NOT NULL,
      PRIMARY KEY (scope, period)
    ) WITHOUT ROWID;
  `)

  function spent(scope: string, period: string): Spent {
    const [row] = sql
      .exec<{ microdollars: number; tokens: number }>(
        'SELECT microdollars, tokens FROM spent WHERE scope = ? AND period = ?',
        scope,
        period,
      )
      .toArray()
    return row ?? { microdollars: 0, tokens: 0 }
  }

  return {
    count(entry, nowMs) {
      const counts = (Object.keys(COLUMNS) as (keyof UsageCounts)[]).map((count) => entry[count])
      sql.exec(
        `INSERT INTO usage (day, model, pool, key, kind, ${NAMES.join(', ')})
         VALUES (?, ?, ?, ?, ?, ${NAMES.map(() => '?').join(', ')})
         ON CONFLICT DO UPDATE SET ${NAMES.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`,
        dayOf(nowMs),
        entry.model,
        entry.pool,
        entry.key,
        entry.kind,
        ...counts,
      )
    },
    spend(scope, { microdollars, tokens }, nowMs) {
      for (const period of periodsOf(nowMs)) {
        sql.exec(
          `INSERT INTO spent (scope, period, microdollars, tokens) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET microdollars = microdollars + excluded.microdollars,
             tokens = tokens + excluded.tokens`,
          scope,
          period,
          microdollars,
          tokens,
        )
      }
    },
    spent,
    spentNow: (scope, nowMs) =>
      Object.fromEntries(periodsOf(nowMs).map((period) => [period, spent(scope, period)])),
    report({ from, to, groupBy, key }) {
      // Names come from a list of ours: nothing that a client wrote stands in a statement.
      const groups = USAGE_GROUPS.filter((group) => groupBy.includes(group))
      const where = `WHERE day BETWEEN ? AND ? AND (? IS NULL OR key = ?)`
      const values = [from, to, key ?? null, key ?? null]
      const total = sql.exec<Counted>(`SELECT ${SUMS} FROM usage ${where}`, ...values).one()
      if (groups.length === 0) return { rows: [total], isCut: false, total }
      const names = groups.join(', ')
      const rows = sql
        .exec<Counted & Partial<Record<UsageGroup, string>>>(
          `SELECT ${names}, ${SUMS} FROM usage ${where} GROUP BY ${names} ORDER BY ${names} LIMIT ?`,
          ...values,
          MAX_ROWS + 1,
        )
        .toArray() as UsageRow[]
      return { rows: rows.slice(0, MAX_ROWS), isCut: rows.length > MAX_ROWS, total }
    },
    sweep(nowMs) {
      const oldest = dayOf(nowMs - KEPT_MS)
      sql.exec('DELETE FROM usage WHERE day < ?', oldest)
      // Sums of all time stay, and those of months as long as their days.
      sql.exec("DELETE FROM spent WHERE period <> 'total' AND period < substr(?, 1, length(period))", oldest)
    },
  }
}

type Counted = Record<keyof UsageCounts, number>
