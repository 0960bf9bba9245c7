/** What a pool says about its own load, in one form for every dialect. What a server does not tell is absent, never 0. */
export interface LoadReading {
  /** Requests being computed. */
  readonly running?: number
  /** Requests in the server's own queue. */
  readonly waiting?: number
  /** Prompt tokens that wait to be computed, less those that are cached. */
  readonly waitingTokens?: number
  /** Tokens held by running requests. */
  readonly runningTokens?: number
  /** The share of its memory for tokens that is in use, 0 to 1. */
  readonly kvUse?: number
  /** Requests it computes at once. */
  readonly maxRunning?: number
}

/** A reading with its age. */
export interface LoadReport extends LoadReading {
  /** When the pool was asked, milliseconds since the epoch. */
  readonly atMs: number
}

/** A queue of ten seconds ago says nothing about now. */
const LOAD_VALID_MS = 10_000

/** Whether a report is young enough to go by. */
export function isLoadValid({ atMs }: Pick<LoadReport, 'atMs'>, nowMs: number): boolean {
  return nowMs - atMs <= LOAD_VALID_MS
}
