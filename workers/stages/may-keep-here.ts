/**
 * Whether this isolate may hold something of a request beyond the request itself: where it may not be anywhere, only in a data
 * centre that the config itself puts in a region they allow. What the platform guesses of the client's place proves nothing.
 */
import type { Arrival } from '../../shared/residency/arrival.ts'
import type { Placement } from '../../shared/residency/place.ts'

export function mayKeepHere(placement: Placement, { colo }: Arrival): boolean {
  if (placement.storage === 'anywhere') return true
  if (placement.storage === 'none') return false
  return colo !== undefined && placement.storageRegions.some(({ colos }) => colos.includes(colo))
}
