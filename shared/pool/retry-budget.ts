/**
 * How many requests may be sent again, as a share of all: when every pool fails, attempts must not multiply the load
 * that makes them fail. After Finagle's `RetryBudget` (a fifth of the requests, deposits that last ten seconds, and a
 * reserve for clients with little traffic), and with its figures but for the reserve: there it is 10 retries a second for
 * a whole process, here 10 in ten seconds, since a mesh is many isolates with a budget each. A deposit there expires at once
 * when its time is over; here the balance leaks, which needs two numbers instead of ten windows.
 *
 * Within any ten seconds there are at most share × requests + RESERVE + MAX_BALANCE retries.
 */

export interface RetryBudget {
  /** Retries that may be made, in fractions. */
  readonly balance: number
  /** As of when, milliseconds since the epoch. */
  readonly atMs: number
}

/** Retries in `PERIOD_MS` that need no requests before them. */
export const RESERVE = 10
/** However many requests went well, no more retries than this come at once. */
export const MAX_BALANCE = 100
export const PERIOD_MS = 10_000
/** Five deposits of a fifth are a retry, though their sum in binary is not quite one. */
const ROUNDING = 1e-9

/** Nothing was paid in yet: there is the reserve. */
export const EMPTY_BUDGET: RetryBudget = { balance: RESERVE, atMs: 0 }

/** A request came in: `share` (0 to 1) of a retry is earned. */
export function deposit(budget: RetryBudget, share: number, nowMs: number): RetryBudget {
  const { balance, atMs } = advanced(budget, nowMs)
  return { balance: Math.min(MAX_BALANCE, balance + share), atMs }
}

/** Whether an attempt beyond a request's first may be made now. */
export function mayRetry(budget: RetryBudget, nowMs: number): boolean {
  return advanced(budget, nowMs).balance >= 1 - ROUNDING
}

/** An attempt beyond a request's first is made; ask `mayRetry` before. */
export function withdraw(budget: RetryBudget, nowMs: number): RetryBudget {
  const { balance, atMs } = advanced(budget, nowMs)
  return { balance: Math.max(0, balance - 1), atMs }
}

/** What is above the reserve leaks, what is missing of it comes back. A clock that steps back changes nothing. */
function advanced({ balance, atMs }: RetryBudget, nowMs: number): RetryBudget {
  const elapsedMs = Math.max(0, nowMs - atMs)
  return {
    balance:
      balance > RESERVE
        ? RESERVE + (balance - RESERVE) * Math.exp(-elapsedMs / PERIOD_MS)
        : Math.min(RESERVE, balance + (RESERVE * elapsedMs) / PERIOD_MS),
    atMs: Math.max(atMs, nowMs),
  }
}
