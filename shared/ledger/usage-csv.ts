/** Usage as CSV (RFC 4180), for a chargeback: one line for each row, money in dollars with six decimals. */
import type { UsageCounts } from './usage.ts'

const HEADER = [
  'requests',
  'prompt_tokens',
  'cached_tokens',
  'completion_tokens',
  'cost_usd',
  'saved_by_hits_usd',
  'saved_by_coalescing_usd',
  'saved_by_prefix_usd',
]

/** `groups`: the names of the columns before the counts. */
export function usageCsv<Group extends string>(
  groups: readonly Group[],
  rows: readonly (UsageCounts & { readonly [name in Group]?: string })[],
): string {
  const lines = rows.map((row) => [
    ...groups.map((group) => cellOf(row[group] ?? '')),
    row.requests,
    row.promptTokens,
    row.cachedTokens,
    row.completionTokens,
    dollarsOf(row.microdollars),
    dollarsOf(row.savedHit),
    dollarsOf(row.savedCoalesced),
    dollarsOf(row.savedPrefix),
  ])
  return [[...groups, ...HEADER], ...lines].map((line) => `${line.join(',')}\r\n`).join('')
}

/** 1234567 micro-dollars are "1.234567". */
export function dollarsOf(microdollars: number): string {
  const millionths = String(microdollars % 1_000_000).padStart(6, '0')
  return `${Math.floor(microdollars / 1_000_000)}.${millionths}`
}

function cellOf(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
