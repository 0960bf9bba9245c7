/** A small rolling hash over numbers, of 64 bits in two halves: fast, unkeyed, and only for the simulated engine. */

export interface RollingHash {
  readonly high: number
  readonly low: number
}

/** The offset basis and prime are FNV-1a's; the second half uses a constant of MurmurHash3 to be independent. */
export const EMPTY_HASH: RollingHash = { high: 0x811c9dc5, low: 0x9747b28c }
const FNV_PRIME = 0x01000193
const SECOND_PRIME = 0x85ebca6b

export function extend(hash: RollingHash, value: number): RollingHash {
  return { high: extendHigh(hash.high, value), low: extendLow(hash.low, value) }
}

export function extendHigh(high: number, value: number): number {
  return Math.imul(high ^ value, FNV_PRIME)
}

export function extendLow(low: number, value: number): number {
  const mixed = Math.imul(low ^ value, SECOND_PRIME)
  return mixed ^ (mixed >>> 15)
}

export function hashText(text: string): RollingHash {
  let { high, low } = EMPTY_HASH
  for (let at = 0; at < text.length; at += 1) {
    high = extendHigh(high, text.charCodeAt(at))
    low = extendLow(low, text.charCodeAt(at))
  }
  return { high, low }
}

/** An even choice of 0 … count − 1. `purpose` keeps choices made from the same hash independent. */
export function choose(hash: RollingHash, purpose: number, count: number): number {
  return finalize(hash.high ^ Math.imul(hash.low, 0x9e3779b1) ^ Math.imul(purpose + 1, 0x27d4eb2f)) % count
}

/** MurmurHash3's finalizer: without it the low bits of similar texts would choose alike. */
export function finalize(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
