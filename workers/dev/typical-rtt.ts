/** What a round trip between two places typically takes, for pretending on one machine that they are apart. */
import type { Coordinates } from '../../shared/residency/great-circle.ts'
import { optimisticRttMs } from '../../shared/routing/distance.ts'

/**
 * Cables take detours: measured medians between cloud regions are 1.3 to 1.6 times what light in a straight fibre
 * would need (Frankfurt to Virginia 93 ms for 65, Singapore to Virginia 219 ms for 157).
 */
const DETOUR_FACTOR = 1.42

/** Milliseconds there and back. Two places in one city are still a millisecond apart. */
export function typicalRttMs(from: Coordinates, to: Coordinates): number {
  return Math.round(optimisticRttMs(from, to) * DETOUR_FACTOR)
}
