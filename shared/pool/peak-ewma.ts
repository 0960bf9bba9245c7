/**
 * Peak-EWMA of a pool's time to first token: quick to believe that a pool got slower, slow to believe that it got
 * faster. After Finagle's `p2c/PeakEwma.scala` and tower's `load/peak_ewma.rs`, with two changes that a mesh of few
 * requests needs, since a pool that is not chosen is not measured either:
 *
 * - One sample raises the cost at most threefold. There, a single outlier would send all traffic elsewhere; here, a
 *   pool that is ten times slower is known for it after two samples, and one slow prompt costs little.
 * - A cost that nobody refreshes fades, so that a pool that was slow is tried again without a timer. It fades
 *   geometrically, because times to first token spread over decades: a pool that was fifty times too slow is tried
 *   again not much later than one that was five times too slow.
 */

export interface Latency {
  readonly costMs: number
  /** The fastest sample so far: proof of what the pool can do, whatever its configured place suggests. */
  readonly bestMs: number
  readonly updatedAtMs: number
  readonly sampleCount: number
}

/** Finagle's default decay time: a faster sample weighs 1 − e^(−elapsed/τ). */
export const DECAY_TAU_MS = 10_000
/** Chosen by closed-loop simulation: a lower one notices a slow-down later, a higher one lets outliers cost more. */
export const MAX_RISE = 3
/** An unrefreshed cost is believed in full this long. */
export const IDLE_GRACE_MS = 10_000
/** Then, each time this passes, the logarithm of cost over capability halves: tried again well within a minute. */
export const IDLE_HALF_LIFE_MS = 15_000
/** Keeps ratios and logarithms finite; clocks on Workers advance in whole milliseconds. */
export const MIN_LATENCY_MS = 1

/** Folds in one measured time to first token. */
export function observe(latency: Latency | undefined, sampleMs: number, nowMs: number): Latency {
  const sample = Math.max(MIN_LATENCY_MS, sampleMs)
  if (latency === undefined) {
    return { costMs: sample, bestMs: sample, updatedAtMs: nowMs, sampleCount: 1 }
  }
  return {
    costMs:
      sample > latency.costMs ? Math.min(sample, latency.costMs * MAX_RISE) : decayed(latency, sample, nowMs),
    bestMs: Math.min(sample, latency.bestMs),
    updatedAtMs: nowMs,
    sampleCount: latency.sampleCount + 1,
  }
}

/**
 * The time to first token to expect in the best case, in milliseconds: the prior if the pool was never measured;
 * the cost while it is fresh; then ever closer to the prior, or to the best sample where the prior proved too high.
 * `lastAskedAtMs` (the last dispatch) holds the fading back while an answer may still be coming.
 */
export function estimate(
  latency: Latency | undefined,
  priorMs: number,
  nowMs: number,
  lastAskedAtMs = -Infinity,
): number {
  const prior = Math.max(MIN_LATENCY_MS, priorMs)
  if (latency === undefined) return prior
  const capableMs = Math.min(prior, latency.bestMs)
  const idleMs = nowMs - Math.max(latency.updatedAtMs, lastAskedAtMs) - IDLE_GRACE_MS
  if (idleMs <= 0 || latency.costMs <= capableMs) return latency.costMs
  return capableMs * (latency.costMs / capableMs) ** (0.5 ** (idleMs / IDLE_HALF_LIFE_MS))
}

function decayed(latency: Latency, sample: number, nowMs: number): number {
  const elapsedMs = Math.max(0, nowMs - latency.updatedAtMs)
  const kept = Math.exp(-elapsedMs / DECAY_TAU_MS)
  return sample + (latency.costMs - sample) * kept
}
