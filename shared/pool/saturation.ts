/**
 * Marks left by pools that answered "not now" (429, 503, 529). A 503 or 529 speaks for the whole pool. A 429 may be
 * about one tenant's share, so it keeps away only the key that got it, until a second key gets one too.
 *
 * When a mark runs out, one request goes first: its first token clears the mark, another "not now" renews it for what the
 * pool says then, and for twice as long as before, up to four seconds. A mark that nobody tried for a minute after it ran out is forgotten.
 */
import type { Seen } from './circuit-breaker.ts'

export interface SaturationMark {
  /** Id of the key that was told so; undefined when it holds for everyone. */
  readonly key?: string
  readonly untilMs: number
  /** How long it was made for. */
  readonly waitMs: number
  /** How long it must at least be, since it was made again when it had run out. */
  readonly leastWaitMs: number
  /** When the request that goes first was sent. */
  readonly triedAtMs?: number
}

export interface SaturationNotice {
  /** HTTP status of the pool's answer. */
  readonly status: number
  /** Id of an API key or tenant, never the key itself. */
  readonly key: string
  /** The pool's Retry-After, if it sent one that could be read. */
  readonly retryAfterMs?: number
}

type Marks = readonly SaturationMark[]

const DEFAULT_WAIT_MS = 1_000
/** A pool may not take itself, or be talked, out of the mesh for longer than clients would wait. */
const MAX_WAIT_MS = 60_000
/** To find out that a pool is still full costs one client a round trip: that can be had as often as this. */
const MAX_DOUBLED_MS = 4_000
/** The default deadline for a first token: by then the request that went first has reported, if it ever will. */
const TRIAL_LEASE_MS = 30_000
const KEYS_TO_SATURATE = 2
/** Two are enough to decide; a few more keep the right ones when many tenants are told at once. */
const MAX_MARKS = 8

/** Adds what a pool just said, and forgets what is old. */
export function mark(marks: Marks, notice: SaturationNotice, seen: Seen): Marks {
  const { status, key, retryAfterMs } = notice
  const young = marks.filter(({ untilMs }) => untilMs > seen.atMs - MAX_WAIT_MS)
  const kept = releaseTrial(young, key, seen)
  const waitMs = Math.max(0, retryAfterMs ?? DEFAULT_WAIT_MS)
  if (status !== 429) return withMark(kept, undefined, waitMs, seen)
  return withSeveralKeys(withMark(kept, key, waitMs, seen), seen)
}

/**
 * Until when this key should stay away, as a time in milliseconds; 0 if it need not. While another request goes first,
 * nobody knows until when: a second from now.
 */
export function saturatedUntilMs(marks: Marks, key: string, nowMs: number): number {
  const untils = marks.filter((other) => concerns(other, key)).map((other) => awayUntilMs(other, nowMs))
  return Math.max(0, ...untils)
}

/** Notes that a request of this key goes to the pool; where a mark has run out, it is the one that goes first. */
export function beginTrial(marks: Marks, key: string, nowMs: number): Marks {
  const isTrial = (one: SaturationMark): boolean => concerns(one, key) && awayUntilMs(one, nowMs) === 0
  return marks.some(isTrial) ? marks.map((one) => (isTrial(one) ? { ...one, triedAtMs: nowMs } : one)) : marks
}

/** The pool gave this key a first token: clears what had run out when the request was sent. */
export function clear(marks: Marks, key: string, { askedAtMs }: Pick<Seen, 'askedAtMs'>): Marks {
  const isOver = (one: SaturationMark): boolean => concerns(one, key) && one.untilMs <= askedAtMs
  return marks.some(isOver) ? marks.filter((one) => !isOver(one)) : marks
}

/** A request of this key ended without a first token, in any way but a "not now": if it went first, another may. */
export function releaseTrial(marks: Marks, key: string, { askedAtMs }: Pick<Seen, 'askedAtMs'>): Marks {
  const isTried = (one: SaturationMark): boolean =>
    concerns(one, key) && one.untilMs <= askedAtMs && one.triedAtMs !== undefined
  return marks.some(isTried) ? marks.map((one) => (isTried(one) ? untried(one) : one)) : marks
}

/**
 * An observer's own marks after it hears of its region's; to be kept as its own. For each key the later one holds. What
 * has run out in the region is left there: it may have been cleared here since.
 */
export function mergeSaturation(own: Marks, regions: Marks, nowMs: number): Marks {
  const news = regions
    .map((one) => ({ ...untried(one), untilMs: Math.min(one.untilMs, nowMs + MAX_WAIT_MS) }))
    .filter((one) => one.untilMs > nowMs && one.untilMs > (markOf(own, one.key)?.untilMs ?? 0))
  if (news.length === 0) return own
  const both = trimmed([...own.filter(({ key }) => markOf(news, key) === undefined), ...news])
  return withSeveralKeys(both, { askedAtMs: -Infinity, atMs: nowMs })
}

/** The pool's latest word replaces the one before, but where that had run out in vain, not by less than twice as long. */
function withMark(marks: Marks, key: string | undefined, toldMs: number, seen: Seen): Marks {
  const before = markOf(marks, key)
  const isOld = before !== undefined && seen.atMs < before.untilMs - before.waitMs
  if (isOld) return marks
  const wasTried = before !== undefined && before.untilMs <= seen.askedAtMs
  const doubledMs = wasTried ? 2 * Math.max(DEFAULT_WAIT_MS, before.waitMs) : (before?.leastWaitMs ?? 0)
  const leastWaitMs = Math.min(MAX_DOUBLED_MS, doubledMs)
  const waitMs = Math.min(MAX_WAIT_MS, Math.max(toldMs, leastWaitMs))
  const added: SaturationMark = {
    ...(key === undefined ? {} : { key }),
    untilMs: seen.atMs + waitMs,
    waitMs,
    leastWaitMs,
  }
  return trimmed([...marks.filter((one) => one !== before), added])
}

/** With marks for several keys, everyone stays away until fewer than two of them are left. */
function withSeveralKeys(marks: Marks, seen: Seen): Marks {
  const several = marks
    .filter(({ key, untilMs }) => key !== undefined && untilMs > seen.atMs)
    .map(({ untilMs }) => untilMs)
    .toSorted((a, b) => b - a)[KEYS_TO_SATURATE - 1]
  const everyones = markOf(marks, undefined)?.untilMs ?? 0
  return several === undefined || several <= everyones
    ? marks
    : withMark(marks, undefined, several - seen.atMs, seen)
}

/** 0 when the key may go. */
function awayUntilMs({ untilMs, triedAtMs = -Infinity }: SaturationMark, nowMs: number): number {
  if (untilMs > nowMs) return untilMs
  if (untilMs <= nowMs - MAX_WAIT_MS) return 0
  const leaseEndMs = triedAtMs + TRIAL_LEASE_MS
  return leaseEndMs > nowMs ? Math.min(leaseEndMs, nowMs + DEFAULT_WAIT_MS) : 0
}

function concerns(one: SaturationMark, key: string): boolean {
  return one.key === undefined || one.key === key
}

function markOf(marks: Marks, key: string | undefined): SaturationMark | undefined {
  return marks.find((one) => one.key === key)
}

function untried({ triedAtMs: _ended, ...rest }: SaturationMark): SaturationMark {
  return rest
}

function trimmed(marks: Marks): Marks {
  return marks
    .toSorted((a, b) => b.untilMs - a.untilMs || ((a.key ?? '') < (b.key ?? '') ? -1 : 1))
    .slice(0, MAX_MARKS)
}
