/** Time that passes only from one event to the next, and chance that repeats: for simulations in tests. */

export interface VirtualTime {
  /** Milliseconds since the simulation began. */
  now(): number
  /** Uniform in [0, 1), from the seed. */
  random(): number
  /** Runs `happen` so many milliseconds from now. */
  after(ms: number, happen: () => void): void
  /** Runs everything that is due until then, in order. */
  runUntil(ms: number): void
}

export function createVirtualTime(seed: number): VirtualTime {
  /** The next one last. */
  const events: { readonly atMs: number; readonly happen: () => void }[] = []
  const random = seededRandom(seed)
  let nowMs = 0
  return {
    now: () => nowMs,
    random,
    after(ms, happen) {
      const atMs = nowMs + Math.max(0, ms)
      let [low, high] = [0, events.length]
      while (low < high) {
        const middle = (low + high) >> 1
        if ((events[middle]?.atMs ?? 0) > atMs) low = middle + 1
        else high = middle
      }
      events.splice(low, 0, { atMs, happen })
    },
    runUntil(ms) {
      for (let next = events.at(-1); next !== undefined && next.atMs <= ms; next = events.at(-1)) {
        events.pop()
        nowMs = next.atMs
        next.happen()
      }
      nowMs = ms
    },
  }
}

/** Mulberry32: small, seeded, and even enough for tests. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The time between events that come at random, so many a second. */
export function exponentialMs(perSecond: number, random: () => number): number {
  return (-Math.log(1 - random()) * 1000) / perSecond
}
