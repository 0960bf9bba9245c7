/**
 * A pool's circuit breaker. It opens only on failures that one client's request cannot cause by its content: by
 * several keys, or of a kind in which the pool was never reached or sent us elsewhere. Pure: the caller keeps the
 * state. Closed → open (2 s, doubling to 60 s) → half open, one probe at a time → closed, or open again.
 */

export type FailureKind = 'unreachable' | 'server_error' | 'timeout' | 'redirect'

export interface Failure {
  readonly kind: FailureKind
  /** Whose request failed: an id of an API key or tenant, never the key itself. */
  readonly key: string
}

export type Breaker =
  /** `failures`: the latest in a row, at most as many as it takes to open. */
  | { readonly kind: 'closed'; readonly failures: readonly Failure[] }
  | ({ readonly kind: 'open'; readonly untilMs: number } & Ejection)
  /** `probeUntilMs`: a probe is on its way; if it never reports, another may start then. */
  | ({ readonly kind: 'half_open'; readonly probeUntilMs?: number } & Ejection)

interface Ejection {
  /** How long it was opened for; doubles while probes fail. */
  readonly openMs: number
  /** Whether the pool still answered, if only with errors: then it may serve when no other pool is left. */
  readonly answers: boolean
}

export const CLOSED: Breaker = { kind: 'closed', failures: [] }

const FAILURES_TO_OPEN = 3
const KEYS_TO_OPEN = 2
const FIRST_OPEN_MS = 2_000
/** Clients honour a Retry-After of at most a minute, so a pool is not left alone for longer. */
const MAX_OPEN_MS = 60_000
/** The default deadline for a first token: by then a probe has reported, if it ever will. */
const PROBE_LEASE_MS = 30_000

/** Whether a request may go to the pool now: always when closed, as the one probe when the open time is over. */
export function mayDispatch(breaker: Breaker, nowMs: number): boolean {
  return retryAfterMs(breaker, nowMs) === 0
}

/** How long until the breaker may let a request through, in milliseconds; 0 means now. */
export function retryAfterMs(breaker: Breaker, nowMs: number): number {
  switch (breaker.kind) {
    case 'closed':
      return 0
    case 'open':
      return Math.max(0, breaker.untilMs - nowMs)
    case 'half_open':
      return Math.max(0, (breaker.probeUntilMs ?? 0) - nowMs)
  }
}

/** Notes that a request goes to the pool; when the breaker lets one through, that request is the probe. */
export function begin(breaker: Breaker, nowMs: number): Breaker {
  if (breaker.kind === 'closed' || !mayDispatch(breaker, nowMs)) return breaker
  const { openMs, answers } = breaker
  return { kind: 'half_open', openMs, answers, probeUntilMs: nowMs + PROBE_LEASE_MS }
}

/**
 * Folds in how a request went. While it is open, only stragglers and last resorts report: a success lets a probe
 * through at once, a failure says nothing new.
 */
export function record(breaker: Breaker, outcome: 'success' | Failure, nowMs: number): Breaker {
  switch (breaker.kind) {
    case 'open':
      return outcome === 'success' ? { ...breaker, untilMs: Math.min(breaker.untilMs, nowMs) } : breaker
    case 'half_open':
      return outcome === 'success'
        ? CLOSED
        : opened(Math.min(MAX_OPEN_MS, breaker.openMs * 2), [outcome], nowMs)
    case 'closed': {
      if (outcome === 'success') return breaker.failures.length === 0 ? breaker : CLOSED
      const failures = [...breaker.failures, outcome].slice(-FAILURES_TO_OPEN)
      return isConclusive(failures) ? opened(FIRST_OPEN_MS, failures, nowMs) : { kind: 'closed', failures }
    }
  }
}

/** Notes that a request ended without showing anything about the pool (the client left, or its body was refused). */
export function release(breaker: Breaker): Breaker {
  if (breaker.kind !== 'half_open') return breaker
  return { kind: 'half_open', openMs: breaker.openMs, answers: breaker.answers }
}

function isConclusive(failures: readonly Failure[]): boolean {
  if (failures.length < FAILURES_TO_OPEN) return false
  const keys = new Set(failures.map((failure) => failure.key))
  return (
    keys.size >= KEYS_TO_OPEN || failures.every(({ kind }) => kind === 'unreachable' || kind === 'redirect')
  )
}

function opened(openMs: number, failures: readonly Failure[], nowMs: number): Breaker {
  const answers = failures.every(({ kind }) => kind === 'server_error')
  return { kind: 'open', untilMs: nowMs + openMs, openMs, answers }
}
