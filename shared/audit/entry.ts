/**
 * What a tenant's audit log says of one request: what was decided, by which rules, who answered, and how it ended. Names
 * from the config, codes and times; nothing of a prompt, an answer, a key or a header's value.
 */
import { z } from 'zod'
import { ANSWER_OUTCOMES, answerFacts } from '../log/answer-facts.ts'
import { answeringPool } from './answering-pool.ts'

/** A whole request in one entry; or, where its decision is kept before its first byte, that and its end in two. */
export const AUDIT_EVENTS = ['request', 'decision', 'end'] as const

export const auditFacts = z.object({
  event: z.enum(AUDIT_EVENTS),
  /** When it happened: ISO 8601 in UTC, with milliseconds. */
  at: z.iso.datetime({ precision: 3 }),
  request_id: z.string(),
  decision: z.enum(['allowed', 'refused']),
  /** Of the response; absent while there is none. */
  status: z.int().optional(),
  /** Of a refusal, or of an answer that did not end well: the error's code. */
  error: z.string().optional(),
  /** Id of the API key. */
  key: z.string().optional(),
  surface: z.string().optional(),
  model: z.string().optional(),
  model_version: z.string().optional(),
  /** What rules match on, as far as it is known. */
  data_class: z.string().optional(),
  country: z.string().optional(),
  colo: z.string().optional(),
  edge_region: z.string().optional(),
  /** Ids of the rules that applied, in the config's order. */
  rules: z.array(z.string()),
  /** Whether anything limited where the request may go. */
  restricted: z.boolean().optional(),
  /** Region and jurisdiction where things of the request are stored; absent: nothing is. */
  home: z.object({ region: z.string(), jurisdiction: z.string() }).optional(),
  /** Pools that might be asked, in the config's order: the first 64 of them, and how many there are. */
  allowed_pools: z.array(z.string()).optional(),
  allowed_count: z.int().optional(),
  /** Who answered, in order; of a decision: nobody yet. */
  pools: z.array(answeringPool),
  config: z.string(),
  cache: answerFacts.shape.outcome.or(z.literal('resumed')).optional(),
  outcome: z.enum(ANSWER_OUTCOMES).optional(),
})

export type AuditFacts = Readonly<z.output<typeof auditFacts>>

/** Facts in their place in a chain. */
export interface AuditEntry extends AuditFacts {
  readonly chain: string
  /** Counts from 1 in every chain. */
  readonly seq: number
  /** 43 characters of base64url. */
  readonly hash: string
}
