/**
 * Notices an engine that runs more than the mesh has in flight there. Some builds go on computing for streams that were
 * dropped (SGLang has had such leaks): the pool is slow and nobody knows why. Both figures lag by seconds, so only a
 * gap that lasts counts. Pure: the caller keeps the state.
 */
import type { LoadReading } from '../pool/load-report.ts'

export interface RunningGap {
  /** Since when there is a gap without a break. */
  readonly sinceMs: number
  /** When it was last raised. */
  readonly raisedAtMs?: number
}

const LEAST_GAP = 2
const LEAST_SHARE = 0.25
const GAP_LASTS_MS = 30_000
const RAISED_AGAIN_AFTER_MS = 300_000

/**
 * Folds in one reading. `gap` is undefined where there is none; `isRaised` says that it is to be told now. A reading that
 * does not say how much runs changes nothing. Without a number that waits, what runs is a lower bound.
 */
export function watchGap(
  gap: RunningGap | undefined,
  { running, waiting }: Pick<LoadReading, 'running' | 'waiting'>,
  inFlight: number,
  nowMs: number,
): { readonly gap?: RunningGap; readonly isRaised: boolean } {
  if (running === undefined) return { ...(gap === undefined ? {} : { gap }), isRaised: false }
  const excess = running + (waiting ?? 0) - inFlight
  if (excess <= Math.max(LEAST_GAP, LEAST_SHARE * inFlight)) return { isRaised: false }

  const open = gap ?? { sinceMs: nowMs }
  if (!isToBeTold(open, nowMs)) return { gap: open, isRaised: false }
  return { gap: { ...open, raisedAtMs: nowMs }, isRaised: true }
}

function isToBeTold({ sinceMs, raisedAtMs }: RunningGap, nowMs: number): boolean {
  return raisedAtMs === undefined
    ? nowMs - sinceMs >= GAP_LASTS_MS
    : nowMs - raisedAtMs >= RAISED_AGAIN_AFTER_MS
}
