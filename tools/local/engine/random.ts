/** Seeded random numbers, so that a sampled generation with a seed repeats exactly. */
import { finalize } from './rolling-hash.ts'

/** Gives numbers in [0, 1). */
export type Random = () => number

/** Mulberry32 by Tommy Ettinger (public domain); the seed is mixed first, so that 1 and 2 do not begin alike. */
export function seededRandom(seed: number): Random {
  let state = finalize(Math.trunc(seed % 2 ** 32) ^ 0x5bd1e995)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
