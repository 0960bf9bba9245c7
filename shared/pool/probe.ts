/** What a cheap question that no client waits for shows of a pool. */
import { recordProbe } from './circuit-breaker.ts'
import type { PoolMeasures } from './pool-measures.ts'
import { observeProbe } from './round-trip.ts'

export interface Probe {
  /** Whether it answered, and not that it is broken. */
  readonly isAlive: boolean
  /** From the call to the answer's headers, in milliseconds. */
  readonly tookMs: number
}

/** Folds in a probe: the way there, where it answered, and whether its breaker may let a request try. */
export function applyProbe(measures: PoolMeasures, { isAlive, tookMs }: Probe, nowMs: number): PoolMeasures {
  const breaker = recordProbe(measures.breaker, isAlive, nowMs)
  // How long it took to fail says nothing about the way there.
  const roundTrip = isAlive ? observeProbe(measures.roundTrip, tookMs, nowMs) : measures.roundTrip
  return { ...measures, breaker, ...(roundTrip === undefined ? {} : { roundTrip }) }
}
