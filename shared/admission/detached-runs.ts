/**
 * Counts the runs of each API key that go on although their client left. A generation that nobody may come back to
 * costs a pool's time, so a key has a number of them at once; each ends by itself at a time that is known.
 */

export interface DetachedRun {
  readonly keyId: string
  readonly run: string
  /** When it ends at the latest, on the clock of whoever holds it: a few milliseconds off do not matter. */
  readonly untilMs: number
}

export type DetachedRuns = readonly DetachedRun[]

/** Of all keys together, some 2 MB of memory: as many as the config may allow a single key. */
const MAX_RUNS = 10_000

/**
 * Holds a place for a run, if its key has fewer than `max` that have not ended. A run that has a place keeps it, and
 * until the later of both times. Gives the runs then held, and whether this one is.
 */
export function holdRun(
  runs: DetachedRuns,
  run: DetachedRun,
  max: number,
  nowMs: number,
): [DetachedRuns, boolean] {
  const live = runs.filter(({ untilMs }) => untilMs > nowMs)
  const held = live.find((other) => isSame(other, run))
  if (held !== undefined) {
    const untilMs = Math.max(held.untilMs, run.untilMs)
    return [live.map((other) => (other === held ? { ...held, untilMs } : other)), true]
  }
  const ofKey = live.filter(({ keyId }) => keyId === run.keyId).length
  if (ofKey >= max || live.length >= MAX_RUNS) return [live, false]
  return [[...live, run], true]
}

/** Gives the place back; what is not held is not there already. */
export function releaseRun(runs: DetachedRuns, run: Omit<DetachedRun, 'untilMs'>): DetachedRuns {
  return runs.filter((other) => !isSame(other, run))
}

function isSame(left: Omit<DetachedRun, 'untilMs'>, right: Omit<DetachedRun, 'untilMs'>): boolean {
  return left.run === right.run && left.keyId === right.keyId
}
