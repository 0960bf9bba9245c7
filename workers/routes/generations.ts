/** GET and DELETE /v1/generations/{run}: come back to an answer, or let go of it. */
import type { Handler } from 'hono'
import { err, ok, type Result } from '../../shared/result.ts'
import type { GatewayError } from '../../shared/errors.ts'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'
import {
  createReceiptWriter,
  keepReceipt,
  receiptHeaders,
  type ReceiptSubject,
} from '../receipts/receipt-writer.ts'
import { refuse } from '../respond.ts'
import { letGo, openRun, readRun, type OwnRun, type Resumed } from '../resume.ts'
import { factHeaders } from '../response-headers.ts'
import { record, type RequestRecord } from '../stages/record.ts'
import { promiseReceipt } from '../stages/promise-receipt.ts'
import { foldAnswer, streamAnswer, type RelayEnd, type RelayInput, type StreamEnd } from '../stages/relay.ts'
import { JSON_HEADERS, SSE_HEADERS } from '../response-headers.ts'
import { incomingOf } from './incoming.ts'

/** An answer has fewer events than this. */
const MAX_FROM = 100_000_000

export const resumeGeneration: Handler<AppVariables> = async (context) => {
  const edge = context.get('edge')
  const wantsJson = (context.req.header('accept') ?? '').includes('application/json')
  const from = readFrom(context.req.query('from'))
  if (!from.ok) return failed(from.error)
  const own = await openRun(await incomingOf(context), context.req.param('run') ?? '', edge)
  if (!own.ok) return refuse(own.error, edge)
  const [decided, resumed] = await Promise.all([
    edge.trail.decide(recorded(own.value)),
    readRun(own.value, wantsJson ? 0 : from.value, edge),
  ])
  if (!decided.ok) {
    if (resumed.ok) resumed.value.source.cancel()
    return refuse({ error: decided.error, context: recorded(own.value) }, edge)
  }
  if (!resumed.ok) return refuse({ error: resumed.error, context: recorded(own.value) }, edge)

  const promised = promiseReceipt(own.value.context, !wantsJson, edge)
  if (!promised.ok) {
    resumed.value.source.cancel()
    return refuse({ error: promised.error, context: recorded(own.value) }, edge)
  }
  const { receipt } = promised.value
  const { facts } = resumed.value
  const answer = { facts, cache: 'resumed' } as const
  const relay = relayOf(own.value, resumed.value, from.value)
  const finish = (end: StreamEnd, status = 200): void =>
    record({ context: recorded(own.value), status, facts, ...end, isResumed: true }, edge)
  if (!wantsJson) {
    const stream = streamAnswer(
      {
        reader: relay,
        requestId: context.get('requestId'),
        answer: Promise.resolve(ok(relay.source)),
        isEarly: false,
        ...(receipt && { along: keepReceipt(subjectOf(own.value, from.value), receipt, () => answer, edge) }),
        onLeave: () => undefined,
        onEnd: finish,
      },
      edge,
    )
    return new Response(stream, { headers: { ...SSE_HEADERS, ...factHeaders(facts) } })
  }
  const writer = receipt && createReceiptWriter(subjectOf(own.value), receipt, edge)
  const factsOf = (end: RelayEnd) => ({
    outcome: end.outcome,
    pools: end.pools ?? [facts.pool],
    region: facts.region,
    jurisdiction: facts.jurisdiction,
    attempts: facts.attempts,
    route: facts.route,
    model_version: facts.modelVersion,
    first_token_ms: facts.firstTokenMs,
    made_at: new Date(facts.createdAtMs).toISOString(),
  })
  const folded = await foldAnswer(relay, { factsOf, ...(writer && { along: writer }) })
  if ('error' in folded) {
    const response = failed(folded.error, factHeaders(facts))
    finish({ end: folded.end, error: folded.error.reason }, response.status)
    return response
  }
  finish({ end: folded.end })
  const written = receiptHeaders(await writer?.write(answer, folded.end))
  return new Response(folded.json, { headers: { ...JSON_HEADERS, ...factHeaders(facts), ...written } })
}

export const detachGeneration: Handler<AppVariables> = async (context) => {
  const edge = context.get('edge')
  const own = await openRun(await incomingOf(context), context.req.param('run') ?? '', edge)
  if (!own.ok) return failed(own.error.error)
  await letGo(own.value, edge)
  return new Response(null, { status: 204 })
}

function relayOf({ run }: OwnRun, { source }: Resumed, from: number): RelayInput {
  const { surface, model, includeUsage, nonce, createdSeconds } = run
  return { surface, model, includeUsage, run: nonce, createdSeconds, source, from }
}

function subjectOf({ context, run, placement }: OwnRun, from = 0): ReceiptSubject {
  const { surface, model, asked } = run
  return { context, surface, model, requestDigest: asked, placement, ...(from > 0 ? { from } : {}) }
}

function recorded({ context, run }: OwnRun): RequestRecord['context'] {
  return { ...context, surface: run.surface }
}

function readFrom(text: string | undefined): Result<number, GatewayError> {
  if (text === undefined) return ok(0)
  const from = /^\d{1,9}$/.test(text) ? Number(text) : MAX_FROM + 1
  const expected = `a whole number of events from 0 to ${MAX_FROM}`
  return from <= MAX_FROM ? ok(from) : err({ reason: 'invalid_parameter', param: 'from', expected })
}
