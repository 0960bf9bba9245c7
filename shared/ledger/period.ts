/** Days and budget periods, in UTC, by the clock of the ledger alone: no other clock decides on which day money was spent. */
import type { Budget } from './terms.ts'

/** "2026-11-24". */
export function dayOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10)
}

/** The name of the period that a moment is in: a day, a month, or all time. */
export function periodOf(period: Budget['period'], nowMs: number): string {
  switch (period) {
    case 'day':
      return dayOf(nowMs)
    case 'month':
      return dayOf(nowMs).slice(0, 7)
    case 'total':
      return 'total'
  }
}

/** Every period that a moment is in. */
export function periodsOf(nowMs: number): readonly string[] {
  return [dayOf(nowMs), dayOf(nowMs).slice(0, 7), 'total']
}

/** Milliseconds until the next period begins; undefined where none does. */
export function untilNextMs(period: Budget['period'], nowMs: number): number | undefined {
  const now = new Date(nowMs)
  switch (period) {
    case 'day':
      return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1) - nowMs
    case 'month':
      return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - nowMs
    case 'total':
      return undefined
  }
}
