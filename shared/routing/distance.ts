/** What a pool's place alone says about its latency: how fast light in fibre could be there and back. */
import type { Coordinates } from '../residency/great-circle.ts'
import { greatCircleKm } from '../residency/great-circle.ts'

/** Light in vacuum, km per millisecond (exact). */
const LIGHT_KM_PER_MS = 299.792458
/** In fibre light is about a third slower: refractive index near 1.5. */
const FIBRE_FACTOR = 0.66
/** Nothing over a network is faster. */
const MIN_RTT_MS = 1

/**
 * The least possible round trip between two places, in milliseconds. Cables are never straight, so what is measured
 * comes out higher: an honest pool that nobody measured is tried as soon as it could be the best.
 */
export function optimisticRttMs(from: Coordinates, to: Coordinates): number {
  return Math.max(MIN_RTT_MS, (2 * greatCircleKm(from, to)) / (FIBRE_FACTOR * LIGHT_KM_PER_MS))
}
