/** Reads along with one reader of an answer, and writes the receipt of what this one got. */
import { answeringPoolOf } from '../../shared/audit/answering-pool.ts'
import { base64Url } from '../../shared/fingerprint/bytes.ts'
import type { AnswerFacts } from '../../shared/log/answer-facts.ts'
import type { Surface } from '../../shared/log/frame.ts'
import { answerSalt, createAnswerReader } from '../../shared/receipt/answer-digest.ts'
import { receiptOf, type ReceiptCache } from '../../shared/receipt/receipt.ts'
import { shelfOf } from '../../shared/receipt/shelf-of.ts'
import { withinRetention } from '../../shared/residency/storage.ts'
import type { Placement } from '../../shared/residency/place.ts'
import type { Arrived, PromisedReceipt } from '../contexts.ts'
import { webCryptoDigests } from '../digests.ts'
import type { Edge } from '../edge.ts'
import type { ReadAlong, RelayEnd } from '../stages/relay.ts'
import { within } from '../within.ts'

/** A client waits no longer than this for the receipt of its stream to be kept. */
const KEPT_WITHIN_MS = 3000

/** What a receipt says of the request. */
export interface ReceiptSubject {
  readonly context: Arrived
  readonly surface: Surface
  /** As the client called it. */
  readonly model: string
  readonly requestDigest: string
  readonly placement: Pick<Placement, 'rules' | 'restricted' | 'retentionSeconds'>
  /** Events that the client had had before. */
  readonly from?: number
}

/** How this reader got the answer; known once it has begun. */
export interface ReceiptAnswer {
  readonly facts: AnswerFacts
  readonly cache: ReceiptCache
}

export interface WrittenReceipt {
  /** Compact JWS. */
  readonly receipt: string
  /** 43 characters of base64url. */
  readonly salt: string
}

export interface ReceiptWriter {
  /** Takes the members of the next frame. */
  add(members: string): void
  /** The receipt of what came until now, and the salt of its digest. */
  write(answer: ReceiptAnswer, end: RelayEnd): Promise<WrittenReceipt>
}

export function createReceiptWriter(
  subject: ReceiptSubject,
  { signer }: PromisedReceipt,
  edge: Edge,
): ReceiptWriter {
  const { context, surface, placement, from, requestDigest, model } = subject
  const { config } = edge.mesh
  const reader = createAnswerReader(surface)
  return {
    add: (members) => reader.add(members),
    async write({ facts, cache }, end) {
      const { key } = await edge.keys.of(context.tenant.id)
      const salt = await answerSalt(key, context.requestId, webCryptoDigests)
      const claims = receiptOf({
        issuer: config.receipts.issuer ?? new URL(context.request.url).origin,
        audience: context.tenant.id,
        id: `rcp_${edge.runtime.randomHex(12)}`,
        nowMs: edge.runtime.now(),
        requestId: context.requestId,
        tenant: context.tenant.id,
        surface,
        model,
        requestDigest,
        answerDigest: await reader.digest(salt, webCryptoDigests),
        outcome: end.outcome,
        facts,
        pools: (end.pools ?? [facts.pool]).map((pool) => answeringPoolOf(pool, config)),
        cache,
        rules: placement.rules,
        isRestricted: placement.restricted,
        configVersion: context.configVersion,
        ...(from === undefined ? {} : { from }),
        ...(context.arrival.colo === undefined ? {} : { colo: context.arrival.colo }),
      })
      return { receipt: await signer.signReceipt(claims), salt: base64Url(salt) }
    },
  }
}

/** With an answer that is not streamed its receipt comes in the response. */
export function receiptHeaders(written: WrittenReceipt | undefined): Record<string, string> {
  return written === undefined
    ? {}
    : { 'x-mesh-receipt': written.receipt, 'x-mesh-receipt-salt': written.salt }
}

/** Of a stream: when it ends, its receipt is kept before the end is told, so that whoever saw the end can fetch it. */
export function keepReceipt(
  subject: ReceiptSubject,
  promised: PromisedReceipt,
  answerOf: () => ReceiptAnswer | undefined,
  edge: Edge,
): ReadAlong {
  const writer = createReceiptWriter(subject, promised, edge)
  const { context, placement } = subject

  async function keep(end: RelayEnd): Promise<void> {
    const answer = answerOf()
    const home = promised.keptIn
    if (answer === undefined || home === undefined) return
    const { requestId, tenant } = context
    const [{ receipt }, { objectName }] = await Promise.all([
      writer.write(answer, end),
      edge.keys.of(tenant.id),
    ])
    const keepSeconds = withinRetention(placement, edge.mesh.config.receipts.keep_seconds)
    const expiresAtMs = edge.runtime.now() + keepSeconds * 1000
    await edge.stubs
      .receiptShelf(home, objectName, shelfOf(requestId))
      .put({ requestId, receipt, expiresAtMs })
  }

  return {
    add: (members) => writer.add(members),
    async end(end) {
      const kept = keep(end).catch(() => {
        edge.runtime.log({ event: 'receipt_lost', request_id: context.requestId, tenant: context.tenant.id })
      })
      edge.waitUntil(kept)
      await within(kept, KEPT_WITHIN_MS)
    },
  }
}
