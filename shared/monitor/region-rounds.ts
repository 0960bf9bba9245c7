/** When a region's monitor asks a pool's monitor, and when it asks the pool itself whether it is there. */
import type { WatchedPool } from './region-view.ts'

/** The pace of everything here; each tick comes up to a fifth earlier or later, so that regions do not beat together. */
export const TICK_MS = 1_000
export const TICK_JITTER = 0.2
/** While nobody has reported for so long there is nobody to know anything for. */
export const AWAKE_MS = 30_000
/** A pool that was used so recently is asked about at every tick. */
const IN_USE_MS = 30_000
/** The others: often enough that what is heard of them is never older than the ten seconds it is good for. */
export const OTHERS_EVERY_MS = 5_000
/** Traffic is the better measurement: a pool is probed only where it has shown nothing for so long. */
const UNMEASURED_AFTER_MS = 10_000
const PROBE_EVERY_MS = 5_000

/** Whether the pool's monitor is to be asked at this tick. */
export function isAskDue({ askedAtMs, usedAtMs }: WatchedPool, nowMs: number): boolean {
  if (askedAtMs === undefined || isWithin(usedAtMs, IN_USE_MS, nowMs)) return true
  return !isWithin(askedAtMs, OTHERS_EVERY_MS, nowMs)
}

/**
 * Whether the pool is to be probed at this tick: where traffic leaves it unmeasured, and at every tick where it could not
 * be reached, since requests stay away from it until somebody has seen it again.
 */
export function isProbeDue(pool: WatchedPool, nowMs: number): boolean {
  const { breaker } = pool.measures
  const isLost = breaker.kind === 'open' && breaker.cause === 'unreachable'
  if (isLost && breaker.health?.isAlive !== true) return true
  return (
    !isWithin(pool.observedAtMs, UNMEASURED_AFTER_MS, nowMs) &&
    !isWithin(pool.probedAtMs, PROBE_EVERY_MS, nowMs)
  )
}

/** How long until the next tick, in milliseconds; `random` is uniform in [0, 1). */
export function tickAfterMs(random: number): number {
  return Math.round(TICK_MS * (1 - TICK_JITTER + 2 * TICK_JITTER * random))
}

function isWithin(atMs: number | undefined, ms: number, nowMs: number): boolean {
  return atMs !== undefined && nowMs - atMs < ms
}
