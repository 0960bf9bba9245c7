/**
 * A pool's circuit breaker: closed → open → half open, one probe at a time → closed, or open again for twice as long.
 * What opens it is decided in failure-evidence.ts. Pure: the caller keeps the state, which is plain data.
 *
 * Observers hear of each other's breakers late and in any order. So each outcome comes with the time its request was
 * sent, and one that was sent before the breaker last changed tells nothing of the time since; and each state carries
 * the time of its change, so that of two the later one holds (`mergeBreakers`).
 */
import type { Cause, Conclusion, Evidence, Failure, Outcome } from './failure-evidence.ts'
import { areAnswers, causeOf, conclude, isInMidStream, NO_EVIDENCE, weigh } from './failure-evidence.ts'

export type { Failure, FailureKind, Outcome } from './failure-evidence.ts'

export type Breaker = Closed | Open | HalfOpen

interface Closed extends Evidence {
  readonly kind: 'closed'
  /** When the pool last gave a first token. */
  readonly answeredAtMs?: number
  /** The ejection before, if there was one. */
  readonly ended?: Ended
}

interface Open extends Ejection {
  readonly kind: 'open'
  readonly untilMs: number
}

interface HalfOpen extends Ejection {
  readonly kind: 'half_open'
  /** A probe is on its way; if it never reports, another may start then. */
  readonly probeUntilMs?: number
}

interface Ejection {
  /** When it was opened. */
  readonly sinceMs: number
  /** How long it was opened for; doubles while probes fail. */
  readonly openMs: number
  readonly cause: Cause
  /** Whether the pool still answered, if only with errors: then it may serve when no other pool is left. */
  readonly answers: boolean
  /** Failures in mid-stream that only an answer's end makes forgotten. */
  readonly failures: readonly Failure[]
  /** The newest a monitor's health probe said since it was opened. */
  readonly health?: { readonly isAlive: boolean; readonly atMs: number }
}

interface Ended {
  readonly atMs: number
  readonly cause: Cause
  readonly openMs: number
  /** Failures of requests that were sent before are of the time before. */
  readonly countsFromMs: number
}

/** When a request was sent, and when what it showed was seen; milliseconds since the epoch. */
export interface Seen {
  readonly askedAtMs: number
  readonly atMs: number
}

export const CLOSED: Breaker = { kind: 'closed', ...NO_EVIDENCE }

const FIRST_OPEN_MS = 2_000
/** Clients honour a Retry-After of at most a minute, so a pool is not left alone for longer. */
const MAX_OPEN_MS = 60_000
/** To find out that a pool still refuses connections, or still answers with errors, costs a client little: that can be had often. */
const MAX_OPEN_CHEAP_MS = 4_000
/** Opened again for the same cause so soon after it was closed, it goes on where it was: pools must not flap. */
const PROBATION_MS = 60_000
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
  return { ...ejectionOf(breaker), kind: 'half_open', probeUntilMs: nowMs + PROBE_LEASE_MS }
}

/**
 * Folds in what a request showed. A first token closes a half-open breaker. While it is open, only stragglers and last
 * resorts report, or probes of others: what is seen when the open time is over counts as a probe's. Before, a success of
 * the kind that was missing lets a probe through at once, and a failure says nothing new.
 */
export function record(breaker: Breaker, outcome: Outcome, seen: Seen): Breaker {
  if (breaker.kind === 'closed') return recordClosed(breaker, outcome, seen)
  if (outcome === 'first_token' || outcome === 'completed') return recordSuccess(breaker, outcome, seen)
  return recordFailure(breaker, outcome, seen)
}

/** Notes that a request ended without showing anything about the pool (the client left, or its body was refused). */
export function release(breaker: Breaker): Breaker {
  return breaker.kind === 'half_open' ? { ...ejectionOf(breaker), kind: 'half_open' } : breaker
}

/**
 * Folds in a health probe of a monitor, which costs no client anything. It speaks only of a pool that could not be
 * reached: alive, one request may go there now; not alive, it stays open, but not for more than a minute, in case it
 * is only the probe that cannot get through.
 */
export function recordProbe(breaker: Breaker, isAlive: boolean, nowMs: number): Breaker {
  if (breaker.kind !== 'open' || breaker.cause !== 'unreachable') return breaker
  if (nowMs <= (breaker.health?.atMs ?? breaker.sinceMs)) return breaker
  const { untilMs, sinceMs } = breaker
  const longerMs = Math.min(Math.max(untilMs, nowMs + MAX_OPEN_CHEAP_MS), sinceMs + MAX_OPEN_MS)
  return {
    ...breaker,
    untilMs: isAlive ? Math.min(untilMs, nowMs) : longerMs,
    health: { isAlive, atMs: nowMs },
  }
}

/**
 * An observer's own breaker after it hears of its region's; to be kept as its own. The later change holds, with the
 * observer's own first where they are of the same time, and its own first token since outweighs an opening that a first
 * token would have prevented. Evidence is never added up: the region's holds the observer's already.
 */
export function mergeBreakers(own: Breaker, regions: Breaker, nowMs: number): Breaker {
  if (own.kind === 'closed' && regions.kind === 'closed') {
    const isLater = regions.ended !== undefined && changedAtMs(regions) > changedAtMs(own)
    return isLater ? { ...own, ended: regions.ended } : own
  }
  const isRegionsLater = changedAtMs(regions) > changedAtMs(own) && !isOutlived(regions, own)
  const [held, other] = isRegionsLater ? [regions, own] : [own, regions]
  return bounded(withHealthOf(held, other), nowMs)
}

function recordClosed(breaker: Closed, outcome: Outcome, { askedAtMs, atMs }: Seen): Breaker {
  if (outcome === 'first_token') return { ...breaker, ...weigh(breaker, outcome), answeredAtMs: atMs }
  if (outcome === 'completed') {
    return breaker.failures.length === 0 ? breaker : { ...breaker, ...weigh(breaker, outcome) }
  }
  const { ended } = breaker
  if (ended !== undefined && askedAtMs < ended.countsFromMs) return breaker
  const evidence = weigh(breaker, outcome)
  const conclusion = conclude(evidence)
  if (conclusion === undefined) return { ...breaker, ...evidence }
  const isAgain = ended?.cause === conclusion.cause && atMs - ended.atMs < PROBATION_MS
  const openMs = isAgain ? doubled(ended.openMs, conclusion) : FIRST_OPEN_MS
  return opened({ ...conclusion, openMs, sinceMs: atMs, failures: evidence.failures.filter(isInMidStream) })
}

function recordSuccess(
  breaker: Open | HalfOpen,
  outcome: 'first_token' | 'completed',
  { askedAtMs, atMs }: Seen,
): Breaker {
  const { sinceMs, cause, openMs } = breaker
  if (atMs <= sinceMs) return breaker
  const isWhatWasMissing = outcome === missingSuccess(cause)
  if (breaker.kind === 'open' && atMs < breaker.untilMs) {
    return isWhatWasMissing ? { ...breaker, untilMs: atMs } : breaker
  }
  if (outcome === 'completed' && !isWhatWasMissing) return breaker
  return {
    kind: 'closed',
    failures: outcome === 'completed' ? [] : breaker.failures,
    recent: [],
    ...(outcome === 'first_token' ? { answeredAtMs: atMs } : {}),
    ended: { atMs, cause, openMs, countsFromMs: Math.max(sinceMs, askedAtMs) },
  }
}

/** A stream that breaks had its first token before the ejection, or the breaker would have closed with it. */
function recordFailure(breaker: Open | HalfOpen, failure: Failure, { askedAtMs, atMs }: Seen): Breaker {
  const isStraggler = failure.sawFirstToken || askedAtMs <= breaker.sinceMs
  if (isStraggler || (breaker.kind === 'open' && atMs < breaker.untilMs)) return breaker
  const conclusion = { cause: causeOf([failure]), answers: areAnswers([failure]) }
  const openMs = doubled(breaker.openMs, conclusion)
  return opened({ ...conclusion, openMs, sinceMs: atMs, failures: [] })
}

/** No single success shows that an outlier has become better. */
function missingSuccess(cause: Cause): 'first_token' | 'completed' | undefined {
  if (cause === 'outlier') return undefined
  return cause === 'breaking_off' ? 'completed' : 'first_token'
}

function doubled(openMs: number, { cause, answers }: Conclusion): number {
  const isCheap = cause === 'unreachable' || cause === 'redirect' || (cause === 'failing' && answers)
  return Math.min(isCheap ? MAX_OPEN_CHEAP_MS : MAX_OPEN_MS, openMs * 2)
}

function opened(ejection: Ejection): Open {
  return { ...ejection, kind: 'open', untilMs: ejection.sinceMs + ejection.openMs }
}

function ejectionOf({ sinceMs, openMs, cause, answers, failures }: Ejection): Ejection {
  return { sinceMs, openMs, cause, answers, failures }
}

/** A half-open breaker is as old as its opening: to send a probe is not to know anything. */
function changedAtMs(breaker: Breaker): number {
  return breaker.kind === 'closed' ? (breaker.ended?.atMs ?? -Infinity) : breaker.sinceMs
}

function isOutlived(regions: Breaker, own: Breaker): boolean {
  if (own.kind !== 'closed' || regions.kind === 'closed') return false
  return missingSuccess(regions.cause) === 'first_token' && (own.answeredAtMs ?? 0) > regions.sinceMs
}

function withHealthOf(held: Breaker, other: Breaker): Breaker {
  if (other.kind === 'closed' || other.health === undefined) return held
  return recordProbe(held, other.health.isAlive, other.health.atMs)
}

/** No clock that is ahead of ours may keep a pool away for longer than it could have been opened for. */
function bounded(breaker: Breaker, nowMs: number): Breaker {
  if (breaker.kind === 'closed') return breaker
  if (breaker.kind === 'open') {
    const untilMs = Math.min(breaker.untilMs, nowMs + MAX_OPEN_MS)
    return untilMs === breaker.untilMs ? breaker : { ...breaker, untilMs }
  }
  const { probeUntilMs = 0 } = breaker
  return probeUntilMs > nowMs + PROBE_LEASE_MS
    ? { ...breaker, probeUntilMs: nowMs + PROBE_LEASE_MS }
    : breaker
}
