/**
 * The stages in their order, which nothing else knows: receive, authenticate, check arrival, read body, place, admit,
 * fingerprint, look up, rank, dispatch, relay, record. The first failure ends the ladder.
 */
import type { GatewayError } from '../shared/errors.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { Surface } from '../shared/log/frame.ts'
import type { Answered, Fingerprinted, Incoming, LookedUp } from './contexts.ts'
import type { Edge } from './edge.ts'
import { failed } from './error-response.ts'
import { factsOf } from './facts-of.ts'
import { patienceOf, type Patience } from './patience.ts'
import { answerHeaders } from './response-headers.ts'
import { admit } from './stages/admit.ts'
import { authenticate } from './stages/authenticate.ts'
import { checkArrival } from './stages/check-arrival.ts'
import { dispatch } from './stages/dispatch.ts'
import { fingerprintRequest } from './stages/fingerprint.ts'
import { lookUp } from './stages/look-up.ts'
import { placeRequest } from './stages/place.ts'
import { rank } from './stages/rank.ts'
import { readBody } from './stages/read-body.ts'
import { receive } from './stages/receive.ts'
import { record, type RequestRecord } from './stages/record.ts'
import { foldAnswer, streamAnswer } from './stages/relay.ts'
import { poolSource } from './stream/pool-source.ts'

const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' } as const

/** What the ladder failed with, and as much of the context as there was. */
interface Failure {
  readonly error: GatewayError
  readonly context: RequestRecord['context']
}

/** Serves one generating request, from its first header to its record. */
export function serve(request: Request, requestId: string, surface: Surface, edge: Edge): Promise<Response> {
  const response = respond(request, requestId, surface, edge)
  // When a client breaks off before its answer, the platform stops running what nobody waits for: bytes and slots that
  // the request holds would never be given back, and nothing would be recorded.
  edge.waitUntil(response.catch(() => undefined))
  return response
}

async function respond(request: Request, requestId: string, surface: Surface, edge: Edge): Promise<Response> {
  const answered = await answer(
    {
      request,
      requestId,
      surface,
      receivedAtMs: edge.runtime.now(),
      arrival: edge.runtime.arrivalOf(request),
      configVersion: await edge.mesh.configVersion(),
    },
    edge,
  )
  if (!answered.ok) return refuse(answered.error, edge)
  return answered.value.generation.stream
    ? respondWithStream(answered.value, edge)
    : respondWithJson(answered.value, edge)
}

async function answer(incoming: Incoming, edge: Edge): Promise<Result<Answered, Failure>> {
  const received = receive(incoming, edge)
  if (!received.ok) return stop(received.error, incoming)
  const authenticated = await authenticate(received.value, edge)
  if (!authenticated.ok) return stop(authenticated.error, received.value)
  const arrived = checkArrival(authenticated.value, edge)
  if (!arrived.ok) return stop(arrived.error, authenticated.value)
  const read = await readBody(arrived.value, edge)
  if (!read.ok) return stop(read.error, arrived.value)
  try {
    const placed = placeRequest(read.value.context, edge)
    if (!placed.ok) return stop(placed.error, read.value.context)
    const admitted = admit(placed.value, edge)
    if (!admitted.ok) return stop(admitted.error, placed.value)
    return await findOrMake(await fingerprintRequest(admitted.value, edge), edge)
  } finally {
    // From here on the body is in the pool's hands, and ours no more.
    read.value.release()
  }
}

async function findOrMake(context: Fingerprinted, edge: Edge): Promise<Result<Answered, Failure>> {
  const patience = patienceOf(context, edge)
  const lookedUp = await lookUp(context, edge, patience.signal)
  if (!lookedUp.ok) return stop(patience.explain(lookedUp.error), context)
  const { shared } = lookedUp.value
  if (shared === undefined) return makePrivately(lookedUp.value, edge, patience)
  return ok({ ...lookedUp.value, answer: { ...shared, source: patience.limit(shared.source) } })
}

async function makePrivately(
  context: LookedUp,
  edge: Edge,
  patience: Patience,
): Promise<Result<Answered, Failure>> {
  const { generation, modelVersion, placement, edgeRegion, cacheSalt } = context
  const key = `${context.tenant.id}/${context.keyId}`
  const origin = edgeRegion
  const ranking = rank({ placement, modelVersion, generation, key, origin }, edge)
  const { endsByMs, signal } = patience
  const dispatched = await dispatch(
    { ranking, generation, modelVersion, cacheSalt, key, origin, endsByMs, signal },
    edge,
  )
  if (!dispatched.ok) return stop(patience.explain(dispatched.error), context)
  const facts = factsOf({
    dispatched: dispatched.value,
    ranking,
    outcome: 'bypass',
    modelVersion,
    nowMs: edge.runtime.now(),
  })
  return ok({ ...context, answer: { facts, source: poolSource(dispatched.value) } })
}

function respondWithStream(context: Answered, edge: Edge): Response {
  const { facts } = context.answer
  const stream = streamAnswer(context, edge, (end) => record({ context, status: 200, facts, end }, edge))
  return new Response(stream, {
    headers: { ...SSE_HEADERS, ...answerHeaders(context, edge.runtime.now()) },
  })
}

async function respondWithJson(context: Answered, edge: Edge): Promise<Response> {
  const { facts, source } = context.answer
  const { signal } = context.request
  const leave = (): void => source.cancel()
  signal.addEventListener('abort', leave, { once: true })
  const folded = await foldAnswer(context, edge)
  signal.removeEventListener('abort', leave)
  const headers = answerHeaders(context, edge.runtime.now())
  if ('error' in folded) {
    const response = failed(folded.error, headers)
    record({ context, status: response.status, error: folded.error.reason, facts, end: folded.end }, edge)
    return response
  }
  record({ context, status: 200, facts, end: folded.end }, edge)
  return new Response(folded.json, { headers: { ...JSON_HEADERS, ...headers } })
}

function stop(error: GatewayError, context: RequestRecord['context']): Result<never, Failure> {
  return err({ error, context })
}

function refuse({ error, context }: Failure, edge: Edge): Response {
  const response = failed(error)
  record({ context, status: response.status, error: error.reason }, edge)
  return response
}
