/**
 * Which pools a key belongs to, so that all observers agree without asking each other: highest random weight (Thaler
 * and Ravishankar 1998, "Using name-based mappings to increase hit rates"), in its weighted form (Schindelhauer and
 * Schomaker 2005): each pool draws u in (0, 1) from the key, and the largest −capacity / ln(u) win. A pool gets keys
 * in proportion to its capacity, and where one goes away only its own keys move.
 */
import { fnv1a, mix } from '../fingerprint/mix.ts'

export interface RendezvousPool {
  readonly id: string
  /** In any unit; 0 is never picked. */
  readonly capacity: number
}

const UINT32_RANGE = 2 ** 32

/** Ids of at most `count` pools, the key's first choice first. `key` is an anchor's id; the order of `pools` is nothing to it. */
export function rendezvous(key: number, pools: readonly RendezvousPool[], count: number): readonly string[] {
  return pools
    .filter(({ capacity }) => capacity > 0)
    .map(({ id, capacity }) => ({ id, score: capacity / -Math.log(draw(id, key)) }))
    .toSorted((one, other) => other.score - one.score || (one.id < other.id ? -1 : 1))
    .slice(0, count)
    .map(({ id }) => id)
}

/** Uniform in (0, 1), never its ends, whose logarithms would be infinite or zero. */
function draw(id: string, key: number): number {
  const low = key >>> 0
  const high = Math.floor(key / UINT32_RANGE)
  return (mix(mix(low ^ fnv1a(id)) ^ high) + 0.5) / UINT32_RANGE
}
