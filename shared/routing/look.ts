/**
 * Looking again at pools that traffic has left: nothing is measured of a pool that nobody uses. A request may look at a
 * pool that could be the best one by now, if it is small and if looking has not cost more than its share of the requests.
 * Time decides, not chance: a pool that has recovered is seen within seconds wherever there is traffic.
 */

/** Of all requests, at the most. */
export const LOOK_SHARE = 0.05
/** Of all requests, for pools that only a wrong place in the config keeps from being tried. */
const BLIND_LOOK_SHARE = 0.01
/** Larger prompts are not risked. */
const MAX_LOOK_TOKENS = 2048
/** A pool that may be better is looked at this often. */
const LOOK_EVERY_MS = 3000
/** And one that only might be, if the config had its place wrong. */
const BLIND_LOOK_EVERY_MS = 60_000
/** A look that was much better than what was known is followed up at once: two more make it believed. */
const FOLLOW_UP_WITHIN_MS = 2000
const MUCH_BETTER = 0.5

/** What looking may still cost: each request adds its share, each look takes one. Between 0 and 1 at rest. */
export interface LookCredit {
  readonly looks: number
  readonly blindLooks: number
}

export interface LookSubject {
  readonly pool: string
  readonly scoreMs: number
  /** What it might cost, if what was measured of it no longer holds. */
  readonly optimisticMs: number
  readonly uncachedTokens: number
  /** When somebody of this region last saw a first token of it; undefined if never. */
  readonly seenAtMs?: number
  /** What was seen may have paid for set-up, which it does not do twice. */
  readonly isFirstImpression?: boolean
  /** The level of what was seen last, and the level that is believed. */
  readonly lastLevelMs?: number
  readonly levelMs?: number
  readonly waiting: number
  readonly lastDispatchAtMs?: number
}

export interface Look {
  readonly pool: string
  readonly kind: 'look' | 'follow_up' | 'blind'
}

export function addRequest({ looks, blindLooks }: LookCredit): LookCredit {
  return {
    looks: Math.min(1, looks + LOOK_SHARE),
    blindLooks: Math.min(1, blindLooks + BLIND_LOOK_SHARE),
  }
}

/** Takes what a look costs; one that follows up has been paid for. */
export function takeLook(credit: LookCredit, { kind }: Look): LookCredit {
  switch (kind) {
    case 'look':
      return { ...credit, looks: credit.looks - 1 }
    case 'blind':
      return { ...credit, blindLooks: credit.blindLooks - 1 }
    case 'follow_up':
      return credit
  }
}

/** The pool that this request should look at, if any. `best` is the candidate it would go to otherwise. */
export function lookFor(
  subjects: readonly LookSubject[],
  best: string,
  credit: LookCredit,
  nowMs: number,
): Look | undefined {
  const bestMs = subjects.find(({ pool }) => pool === best)?.scoreMs ?? 0
  const others = subjects
    .filter(
      ({ pool, uncachedTokens, waiting }) =>
        pool !== best && uncachedTokens <= MAX_LOOK_TOKENS && waiting === 0,
    )
    .toSorted((a, b) => a.optimisticMs - b.optimisticMs)
  const followUp = others.find((other) => isUnsettled(other, nowMs) && other.optimisticMs < bestMs)
  if (followUp !== undefined) return { pool: followUp.pool, kind: 'follow_up' }
  if (credit.looks >= 1) {
    const promising = others.find(
      (other) => other.optimisticMs < bestMs && idleMs(other, nowMs) >= LOOK_EVERY_MS,
    )
    if (promising !== undefined) return { pool: promising.pool, kind: 'look' }
  }
  if (credit.blindLooks >= 1) {
    const unseen = others.find((other) => idleMs(other, nowMs) >= BLIND_LOOK_EVERY_MS)
    if (unseen !== undefined) return { pool: unseen.pool, kind: 'blind' }
  }
  return undefined
}

/** One bad first impression would keep a pool out for as long as nobody looks. */
function isUnsettled(subject: LookSubject, nowMs: number): boolean {
  return subject.isFirstImpression === true || isMuchBetter(subject, nowMs)
}

function isMuchBetter({ seenAtMs, lastLevelMs, levelMs }: LookSubject, nowMs: number): boolean {
  if (seenAtMs === undefined || lastLevelMs === undefined || levelMs === undefined) return false
  return nowMs - seenAtMs <= FOLLOW_UP_WITHIN_MS && lastLevelMs < MUCH_BETTER * levelMs
}

function idleMs({ seenAtMs, lastDispatchAtMs }: LookSubject, nowMs: number): number {
  return nowMs - Math.max(seenAtMs ?? -Infinity, lastDispatchAtMs ?? -Infinity)
}
