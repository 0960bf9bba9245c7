/**
 * A receipt: what the gateway says, under its signature, of one answer; where it was made and under which rules. It is
 * evidence of what the gateway decided and did, not of what a pool does inside.
 */
import { z } from 'zod'
import { answeringPool, type AnsweringPool } from '../audit/answering-pool.ts'
import { ANSWER_OUTCOMES, answerFacts, type AnswerFacts, type AnswerOutcome } from '../log/answer-facts.ts'
import type { Surface } from '../log/frame.ts'

/** Media type in the signature's header (`typ`). */
export const RECEIPT_TYPE = 'mesh-receipt+jwt'
/** A change of what a claim means is another number. */
const RECEIPT_VERSION = 1

const digest = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
const cacheWord = answerFacts.shape.outcome.or(z.literal('resumed'))

/** How a reader got the answer: the word of `x-mesh-cache`, or that it came back to a run. */
export type ReceiptCache = z.output<typeof cacheWord>

export const receiptClaims = z.object({
  ver: z.literal(RECEIPT_VERSION),
  /** Who signs: the mesh's own address. */
  iss: z.string(),
  /** Whom it is for. */
  aud: z.string(),
  /** Of this receipt; unique under the issuer. */
  jti: z.string(),
  /** When it was signed, seconds since the epoch. */
  iat: z.int(),
  request_id: z.string(),
  tenant: z.string(),
  surface: z.enum(['chat', 'completions']),
  /** As the client called it, and the version that answered. */
  model: z.string(),
  model_version: z.string(),
  /** Keyed digest of what was asked: the same for the same request of the tenant. Only the mesh can make it. */
  request_digest: digest,
  /** Of what this response said, from its event `answer_from` on; how it is made is in answer-digest.ts. */
  answer_digest: digest,
  /** Events that the client had had before, of one who came back; absent: none. */
  answer_from: z.int().min(1).optional(),
  /** Anything but `completed`: the answer was cut, visibly, and the digest is of what was sent until then. */
  outcome: z.enum(ANSWER_OUTCOMES),
  /** Every pool that made a part of the answer, in order, whenever that was. */
  pools: z.array(answeringPool).min(1),
  /** Ids of the residency rules that applied, in the config's order. */
  rules: z.array(z.string()),
  /** Whether anything (a floor, a rule, a header) limited where the request may go. */
  restricted: z.boolean(),
  /** Version of the config that the request was served under. */
  config: z.string(),
  /** Data centre where the request was decrypted, where that is known. */
  colo: z.string().optional(),
  cache: cacheWord,
  /** Where and when the bytes came from that were not made for this request; absent: there are none. */
  cached: answeringPool.extend({ made_at: z.iso.datetime({ precision: 3 }) }).optional(),
})

export type ReceiptClaims = Readonly<z.output<typeof receiptClaims>>

export interface ReceiptInput {
  readonly issuer: string
  readonly audience: string
  readonly id: string
  readonly nowMs: number
  readonly requestId: string
  readonly tenant: string
  readonly surface: Surface
  readonly model: string
  /** From `requestDigest`, as base64url. */
  readonly requestDigest: string
  /** From an `AnswerReader`, or from `answerDigest`. */
  readonly answerDigest: string
  /** Events that the client had had before. */
  readonly from?: number
  readonly outcome: AnswerOutcome
  readonly facts: AnswerFacts
  /** The pools that made the answer, in order, as it ended; empty where only the one that began it is known. */
  readonly pools: readonly AnsweringPool[]
  readonly cache: ReceiptCache
  readonly rules: readonly string[]
  readonly isRestricted: boolean
  readonly configVersion: string
  readonly colo?: string
}

/** Where the beginning of the answer was made before this request, or for another. */
const FROM_CACHE: ReadonlySet<ReceiptCache> = new Set(['hit', 'coalesced', 'extended', 'resumed'])

export function receiptOf(input: ReceiptInput): ReceiptClaims {
  const { facts, from = 0, cache, colo } = input
  const beganAt = { pool: facts.pool, region: facts.region, jurisdiction: facts.jurisdiction }
  return {
    ver: RECEIPT_VERSION,
    iss: input.issuer,
    aud: input.audience,
    jti: input.id,
    iat: Math.floor(input.nowMs / 1000),
    request_id: input.requestId,
    tenant: input.tenant,
    surface: input.surface,
    model: input.model,
    model_version: facts.modelVersion,
    request_digest: input.requestDigest,
    answer_digest: input.answerDigest,
    ...(from > 0 ? { answer_from: from } : {}),
    outcome: input.outcome,
    pools: input.pools.length === 0 ? [beganAt] : [...input.pools],
    rules: [...input.rules],
    restricted: input.isRestricted,
    config: input.configVersion,
    ...(colo === undefined ? {} : { colo }),
    cache,
    ...(FROM_CACHE.has(cache)
      ? { cached: { ...beganAt, made_at: new Date(facts.createdAtMs).toISOString() } }
      : {}),
  }
}
