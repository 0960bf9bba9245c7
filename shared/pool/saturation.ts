/**
 * Marks left by pools that answered "not now" (429, 503, 529). A 503 or 529 speaks for the whole pool. A 429 may be
 * about one tenant's share, so it keeps away only the key that got it, until a second key gets one too.
 */

export interface SaturationMark {
  /** Id of the key that was told so; undefined when the pool spoke for everyone. */
  readonly key?: string
  readonly untilMs: number
}

export interface SaturationNotice {
  /** HTTP status of the pool's answer. */
  readonly status: number
  /** Id of an API key or tenant, never the key itself. */
  readonly key: string
  /** The pool's Retry-After, if it sent one that could be read. */
  readonly retryAfterMs?: number
}

const DEFAULT_WAIT_MS = 1_000
/** A pool may not take itself, or be talked, out of the mesh for longer than clients would wait. */
const MAX_WAIT_MS = 60_000
const KEYS_TO_SATURATE = 2
/** Two are enough to decide; a few more keep the right ones when many tenants are told at once. */
const MAX_MARKS = 8

/** Adds what a pool just said, and forgets what has run out. */
export function mark(
  marks: readonly SaturationMark[],
  notice: SaturationNotice,
  nowMs: number,
): readonly SaturationMark[] {
  const waitMs = Math.min(MAX_WAIT_MS, Math.max(0, notice.retryAfterMs ?? DEFAULT_WAIT_MS))
  const added: SaturationMark = {
    untilMs: nowMs + waitMs,
    ...(notice.status === 429 ? { key: notice.key } : {}),
  }
  const kept = marks.filter((other) => other.untilMs > nowMs && other.key !== added.key)
  return [...kept, added].toSorted((a, b) => b.untilMs - a.untilMs).slice(0, MAX_MARKS)
}

/** Until when this key should stay away, as a time in milliseconds; 0 if it need not. */
export function saturatedUntilMs(marks: readonly SaturationMark[], key: string, nowMs: number): number {
  const live = marks.filter((other) => other.untilMs > nowMs)
  const own = live
    .filter((other) => other.key === undefined || other.key === key)
    .map(({ untilMs }) => untilMs)
  // With marks for several keys, everyone stays away until fewer than two of them are left.
  const several = live.map(({ untilMs }) => untilMs).toSorted((a, b) => b - a)[KEYS_TO_SATURATE - 1]
  return Math.max(0, ...own, several ?? 0)
}
