/**
 * What one dispatch showed of a pool. Whoever dispatches folds it into what it knows itself and tells its region's
 * monitor, which folds it into what the region knows: both with `apply` of pool-measures.ts. There are counts, times and
 * ids in it, and nothing of a prompt or an answer.
 */
import type { FailureKind } from './circuit-breaker.ts'

export type Observation = FirstToken | Served | Failed | Saturated

interface Observed {
  readonly pool: string
  /** When the request was sent, milliseconds since the epoch: names the dispatch among those of one observer. */
  readonly askedAtMs: number
  /** When this was seen. */
  readonly atMs: number
}

export interface FirstToken extends Observed {
  readonly kind: 'first_token'
  /** Whose request it was: an id, never the key itself. */
  readonly key: string
  readonly ttftMs: number
  /** The way there and back, where the pool's headers show it. */
  readonly roundTripMs?: number
  /** What of the time to first token is not the pool's work on this prompt: its queue, as measured or as expected. */
  readonly queueMs: number
  /** Prompt tokens to compute, as believed at dispatch. */
  readonly uncachedTokens: number
  /** What was predicted when the pool was chosen. */
  readonly predictedMs: number
}

/** An answer came to its end. Counts are the pool's own, and absent where it states none. */
export interface Served extends Observed {
  readonly kind: 'served'
  readonly model: string
  readonly promptBytes: number
  readonly promptTokens?: number
  /** Absent where the pool does not say, which is not 0. */
  readonly cachedTokens?: number
  readonly completionTokens?: number
  readonly ttftMs: number
  /** From the first token to the end. */
  readonly decodeMs: number
}

export interface Failed extends Observed {
  readonly kind: 'failed'
  readonly failure: FailureKind
  /** Whose request failed: an id, never the key itself. */
  readonly key: string
  readonly sawFirstToken: boolean
  /** How long a first token was waited for in vain. */
  readonly waitedMs?: number
}

/** The pool answered "not now". */
export interface Saturated extends Observed {
  readonly kind: 'saturated'
  /** HTTP status of its answer. */
  readonly status: number
  readonly key: string
  readonly retryAfterMs?: number
}
