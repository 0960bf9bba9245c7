/**
 * How many requests a region's observers have in flight at each pool. Each says so every few seconds; who has not said
 * anything for ten is gone, and so are its requests. A plain store, whose work per report does not grow with the number
 * of observers.
 */

export interface InFlightTally {
  /** By observer, who reported last stands last. */
  readonly observers: Map<
    string,
    { readonly atMs: number; readonly inFlight: Readonly<Record<string, number>> }
  >
  /** By pool id: the sum over all observers. */
  readonly totals: Map<string, number>
}

const OBSERVER_VALID_MS = 10_000
/** Isolates of one region; a few hundred bytes each. Who reported longest ago makes room. */
export const MAX_OBSERVERS = 10_000

export function createTally(): InFlightTally {
  return { observers: new Map(), totals: new Map() }
}

/** Replaces what the observer said before. `inFlight` is to name known pools only, with counts that are none left out. */
export function tally(
  { observers, totals }: InFlightTally,
  observer: string,
  inFlight: Readonly<Record<string, number>>,
  nowMs: number,
): void {
  remove({ observers, totals }, observer)
  observers.set(observer, { atMs: nowMs, inFlight })
  for (const [pool, count] of Object.entries(inFlight)) totals.set(pool, (totals.get(pool) ?? 0) + count)
  for (const oldest of observers.keys()) {
    if (observers.size <= MAX_OBSERVERS) break
    remove({ observers, totals }, oldest)
  }
}

/** The sum at one pool, without who is gone. */
export function inFlightAt(kept: InFlightTally, pool: string, nowMs: number): number {
  for (const [observer, { atMs }] of kept.observers) {
    if (nowMs - atMs <= OBSERVER_VALID_MS) break
    remove(kept, observer)
  }
  return kept.totals.get(pool) ?? 0
}

function remove({ observers, totals }: InFlightTally, observer: string): void {
  const said = observers.get(observer)
  if (said === undefined) return
  observers.delete(observer)
  for (const [pool, count] of Object.entries(said.inFlight)) {
    const left = (totals.get(pool) ?? 0) - count
    if (left > 0) totals.set(pool, left)
    else totals.delete(pool)
  }
}
