/**
 * A frame: one upstream delta, in the one form that the log keeps, the shard sends and the edge renders. The
 * parts that differ between readers (`id`, `created`, `model`, `usage`) are not in it, so that every reader of a
 * log gets the same bytes and a replay is concatenation, not parsing.
 */

/** The two OpenAI surfaces that generate text; the shape of a frame's choices depends on which one it is. */
export type Surface = 'chat' | 'completions'

export interface Frame {
  /**
   * JSON text of an object with the event's members as the pool wrote them, character for character, less
   * `id`, `object`, `created`, `model` and `usage` and less what is one pool's own (timings, padding). It has at
   * least the member `choices`, begins with `{"` and never contains a line break. E.g. `{"choices":[…]}`.
   */
  readonly members: string
  /** Whether the delta carries something a client would show or use: text, a tool call, reasoning, a refusal. */
  readonly hasContent: boolean
  /** Finish reasons in this event, by choice index. */
  readonly finishes: readonly Finish[]
  /** Tokens generated so far, over all choices, only where the pool states it in this event. */
  readonly completionTokens?: number
  /**
   * The text it adds, where it is nothing but text of the only choice: that is what another pool could go on from.
   * Undefined where anything else is in it (a tool call, reasoning, log probabilities).
   */
  readonly text?: string
}

export interface Finish {
  readonly index: number
  readonly reason: string
}

/** Token counts as the pool reported them. A missing `cachedTokens` means unknown, not zero. */
export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
  readonly cachedTokens?: number
  /**
   * The pool's own JSON text of the usage object, which is what a client that asks for usage gets; never
   * contains a line break.
   */
  readonly raw: string
}
