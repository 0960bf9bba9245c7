/** How far what is stored of a request may spread, and for how long it may be there. */

/**
 * `none`: nothing is stored. `home`: in objects of the home, and in the memory of isolates within the placement.
 * `anywhere`: also where it is replicated round the world.
 */
export type Storage = 'none' | 'home' | 'anywhere'

const STRICTEST_FIRST: readonly Storage[] = ['none', 'home', 'anywhere']

/** The strictest of some words; without any, `anywhere`. */
export function strictestStorage(words: readonly (Storage | undefined)[]): Storage {
  return STRICTEST_FIRST.find((word) => words.includes(word)) ?? 'anywhere'
}

/** A time to live, in seconds, as far as what it is for may be retained. */
export function withinRetention(
  { retentionSeconds }: { readonly retentionSeconds?: number },
  ttlSeconds: number,
): number {
  return Math.min(ttlSeconds, retentionSeconds ?? Number.POSITIVE_INFINITY)
}
