/**
 * Peak-EWMA of a time that was measured again and again: quick to believe that it got longer, slow to believe that it got
 * shorter. After Finagle's `p2c/PeakEwma.scala` and tower's `load/peak_ewma.rs`, but for one thing: a sample raises the cost
 * at most threefold. There, a single outlier would send all traffic elsewhere; here, what takes ten times longer is known for
 * it after two samples, and one slow sample costs little.
 */

export interface Latency {
  readonly costMs: number
  readonly updatedAtMs: number
  readonly sampleCount: number
}

/** Finagle's default decay time: a faster sample weighs 1 − e^(−elapsed/τ). */
const DECAY_TAU_MS = 10_000
/** Chosen by closed-loop simulation: a lower one notices a slow-down later, a higher one lets outliers cost more. */
export const MAX_RISE = 3
/** What was measured longer ago may have changed. */
export const IDLE_GRACE_MS = 10_000
/** Keeps ratios and logarithms finite; clocks on Workers advance in whole milliseconds. */
export const MIN_LATENCY_MS = 1

/** Folds in one measured time. */
export function observe(latency: Latency | undefined, sampleMs: number, nowMs: number): Latency {
  const sample = Math.max(MIN_LATENCY_MS, sampleMs)
  if (latency === undefined) {
    return { costMs: sample, updatedAtMs: nowMs, sampleCount: 1 }
  }
  return {
    costMs:
      sample > latency.costMs ? Math.min(sample, latency.costMs * MAX_RISE) : decayed(latency, sample, nowMs),
    updatedAtMs: nowMs,
    sampleCount: latency.sampleCount + 1,
  }
}

function decayed(latency: Latency, sample: number, nowMs: number): number {
  const elapsedMs = Math.max(0, nowMs - latency.updatedAtMs)
  const kept = Math.exp(-elapsedMs / DECAY_TAU_MS)
  return sample + (latency.costMs - sample) * kept
}
