/**
 * The response to a request that was understood: a stream or one JSON. A stream begins with its answer, or without it
 * when that takes too long for proxies that wait for a status; from then on whatever fails, fails in-band.
 */
import type { GatewayError } from '../shared/errors.ts'
import type { AnswerFacts } from '../shared/log/answer-facts.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { Answered, Fingerprinted } from './contexts.ts'
import type { Edge } from './edge.ts'
import { failed } from './error-response.ts'
import type { Patience } from './patience.ts'
import {
  createReceiptWriter,
  keepReceipt,
  receiptHeaders,
  type ReceiptAnswer,
  type ReceiptSubject,
  type ReceiptWriter,
} from './receipts/receipt-writer.ts'
import { answerHeaders, earlyHeaders, JSON_HEADERS, SSE_HEADERS, wordOf } from './response-headers.ts'
import { record, type RequestRecord } from './stages/record.ts'
import { foldAnswer, readerOf, streamAnswer, type ReadAlong } from './stages/relay.ts'
import type { AnswerSource } from './stream/answer-source.ts'
import { within } from './within.ts'

/** What a stream has learned of its answer. */
interface Known {
  readonly context: RequestRecord['context']
  readonly facts?: AnswerFacts
  readonly cache?: AnswerFacts['outcome']
  readonly begunAtMs?: number
}

/** What the ladder failed with, and as much of the context as there was. */
export interface Failure {
  readonly error: GatewayError
  readonly context: RequestRecord['context']
}

/** Streams the answer. The time it has to begin counts from now on: a slow upload is not held against it. */
export async function respondWithStream(
  context: Fingerprinted,
  answering: Promise<Result<Answered, Failure>>,
  patience: Patience,
  edge: Edge,
): Promise<Response> {
  const begun = await within(answering, edge.mesh.config.limits.commit_after_ms)
  if (begun?.ok === false) return refuse(begun.error, edge)
  const isEarly = begun === undefined
  const headers = isEarly
    ? await earlyHeaders(context, edge)
    : await answerHeaders(begun.value, edge, { isStored: false })

  let known: Known = { context }
  async function learn(): Promise<Result<AnswerSource, GatewayError>> {
    const answered = await answering
    const begunAtMs = edge.runtime.now()
    known = answered.ok
      ? {
          context: answered.value,
          facts: answered.value.answer.facts,
          cache: wordOf(answered.value),
          begunAtMs,
        }
      : { context: answered.error.context }
    return answered.ok ? ok(answered.value.answer.source) : err(answered.error.error)
  }
  const answer = learn()
  const along = alongStream(context, () => known, edge)
  // What the request holds is to be given back even if its client leaves before it is answered.
  edge.waitUntil(answer.catch(() => undefined))
  const stream = streamAnswer(
    {
      reader: readerOf(context),
      requestId: context.requestId,
      answer,
      isEarly,
      ...(along === undefined ? {} : { along }),
      onLeave: () => patience.leave(),
      onEnd: (end) => {
        const { cache: _, ...reached } = known
        record({ ...reached, status: 200, ...end }, edge)
      },
    },
    edge,
  )
  return new Response(stream, { headers: { ...SSE_HEADERS, ...headers } })
}

/** Folds the answer into one JSON. */
export async function respondWithJson(
  answering: Promise<Result<Answered, Failure>>,
  edge: Edge,
): Promise<Response> {
  const answered = await answering
  if (!answered.ok) return refuse(answered.error, edge)
  const context = answered.value
  const begunAtMs = edge.runtime.now()
  const { facts, source } = context.answer
  const { signal } = context.request
  const leave = (): void => source.cancel()
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  const writer = receiptWriter(context, edge)
  const folded = await foldAnswer({ ...readerOf(context), source }, writer && { along: writer })
  signal.removeEventListener('abort', leave)
  const isWhole = 'json' in folded
  const receipt = isWhole ? await writer?.write({ facts, cache: wordOf(context) }, folded.end) : undefined
  // A log that has grown beyond its bound has lost its beginning, and is not kept.
  const isStored = isWhole && folded.size <= edge.mesh.config.limits.max_log_bytes
  const headers = { ...(await answerHeaders(context, edge, { isStored })), ...receiptHeaders(receipt) }
  const response = isWhole
    ? new Response(folded.json, { headers: { ...JSON_HEADERS, ...headers } })
    : failed(folded.error, headers)
  const error = isWhole ? {} : { error: folded.error.reason }
  record({ context, status: response.status, facts, end: folded.end, begunAtMs, ...error }, edge)
  return response
}

function alongStream(context: Fingerprinted, known: () => Known, edge: Edge): ReadAlong | undefined {
  const { receipt } = context
  const subject = subjectOf(context)
  return receipt && subject && keepReceipt(subject, receipt, () => answerIn(known()), edge)
}

function receiptWriter(context: Fingerprinted, edge: Edge): ReceiptWriter | undefined {
  const subject = subjectOf(context)
  return context.receipt && subject && createReceiptWriter(subject, context.receipt, edge)
}

function subjectOf(context: Fingerprinted): ReceiptSubject | undefined {
  const { surface, placement, requestDigest, generation } = context
  if (requestDigest === undefined) return undefined
  return { context, surface, model: generation.model, requestDigest, placement }
}

function answerIn({ facts, cache }: Known): ReceiptAnswer | undefined {
  return facts && cache && { facts, cache }
}

/** Refuses with a status, while there is none yet. */
export function refuse({ error, context }: Failure, edge: Edge): Response {
  const response = failed(error)
  record({ context, status: response.status, error: error.reason }, edge)
  return response
}
