/** Places a request of which things were said at several times: when it was first sent, and when its client came back. */
import type { GatewayError } from '../errors.ts'
import type { Result } from '../result.ts'
import { intersect, place, type PlaceInput, type Placement } from './place.ts'

/** What a request said, and where it arrived. */
export type Said = Pick<PlaceInput, 'arrival' | 'narrow' | 'dataClass' | 'headers'>

/** What each of them allows. Fails with `residency_violation` when nothing is left. @throws if nothing was said */
export function placeAgain(
  whose: Omit<PlaceInput, keyof Said>,
  said: readonly Said[],
): Result<Placement, GatewayError> {
  const placements = said.map((each) => place({ ...whose, ...each }))
  return placements.reduce((one, other) => {
    if (!one.ok) return one
    return other.ok ? intersect(one.value, other.value) : other
  })
}
