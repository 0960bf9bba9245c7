/** What is known of an answer when it begins, and how it ended: the head and the end line of a log's stream. */
import { z } from 'zod'

export const answerFacts = z.object({
  /** How this reader gets it. */
  outcome: z.enum(['hit', 'coalesced', 'extended', 'miss', 'refresh', 'bypass']),
  /** The pool that began it. */
  pool: z.string(),
  region: z.string(),
  jurisdiction: z.string(),
  /** Pools asked until then, the one that began it included. */
  attempts: z.number(),
  /** Why this pool, in a few words. */
  route: z.string(),
  modelVersion: z.string(),
  /** When the answer began to be made, milliseconds since the epoch. */
  createdAtMs: z.number(),
  /** From asking the pool to its first token. */
  firstTokenMs: z.number(),
  /** Seconds a stored answer still lives; absent where nothing is stored. */
  ttlSeconds: z.number().optional(),
  /** Whether several pools made what is there of it. */
  stitched: z.boolean().optional(),
})

export type AnswerFacts = Readonly<z.output<typeof answerFacts>>

export const ANSWER_OUTCOMES = [
  'completed',
  'truncated',
  'upstream_error',
  'stalled',
  'timed_out',
  'client_cancelled',
] as const

/** Exactly one of these ends every answer. */
export type AnswerOutcome = (typeof ANSWER_OUTCOMES)[number]

export const answerEnd = z.object({
  outcome: z.enum(ANSWER_OUTCOMES),
  /** Pools that made it, in order. */
  pools: z.array(z.string()).optional(),
  /** Events of the whole answer, as this reader gets it. */
  events: z.number().optional(),
})

/** How an answer ended, and who had a part in it. */
export type AnswerEnd = Readonly<z.output<typeof answerEnd>>
