/**
 * The way to a pool and back: a peak-EWMA of probes, and of the time to headers where a dialect sends them before it
 * computes.
 */
import { type Latency, MIN_LATENCY_MS, observe } from './peak-ewma.ts'

export type RoundTrip = Latency

/** Folds in one probe, or one request's time to headers. A time that cannot be changes nothing. */
export function observeProbe(
  roundTrip: RoundTrip | undefined,
  sampleMs: number,
  nowMs: number,
): RoundTrip | undefined {
  return Number.isFinite(sampleMs) && sampleMs >= 0 && Number.isFinite(nowMs)
    ? observe(roundTrip, sampleMs, nowMs)
    : roundTrip
}

/**
 * Milliseconds that the network takes: the prior (by distance) where it was never measured, and never more than the
 * level of the pool's times to first token, since those contain it.
 */
export function roundTripMs(
  roundTrip: RoundTrip | undefined,
  priorMs: number,
  levelMs: number | undefined,
): number {
  const measuredMs = roundTrip?.costMs ?? Math.max(MIN_LATENCY_MS, priorMs)
  return Math.min(measuredMs, levelMs ?? measuredMs)
}

/** The one that was measured last; of two measured at once, the longer. */
export function mergeRoundTrips(own: RoundTrip, regions: RoundTrip): RoundTrip {
  if (own.updatedAtMs !== regions.updatedAtMs) return own.updatedAtMs > regions.updatedAtMs ? own : regions
  return own.costMs >= regions.costMs ? own : regions
}
