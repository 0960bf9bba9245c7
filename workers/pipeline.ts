/**
 * The stages in their order, which nothing else knows: receive, authenticate, check arrival, read body, place, admit,
 * promise receipt, fingerprint, look up, rank, dispatch, relay, record. The first failure ends the ladder.
 */
import type { GatewayError } from '../shared/errors.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { Surface } from '../shared/log/frame.ts'
import type { Answered, Fingerprinted, Incoming } from './contexts.ts'
import type { Edge } from './edge.ts'
import { patienceOf, type Patience } from './patience.ts'
import { isStillInForce } from './placed-now.ts'
import { withRateLimits } from './rate-limit-headers.ts'
import { refuse, respondWithJson, respondWithStream, type Failure } from './respond.ts'
import { admit } from './stages/admit.ts'
import { authenticate } from './stages/authenticate.ts'
import type { Charge } from './stages/charge.ts'
import { checkArrival } from './stages/check-arrival.ts'
import { checkStorage } from './stages/check-storage.ts'
import { fingerprintRequest } from './stages/fingerprint.ts'
import { leaveLog, lookUp } from './stages/look-up.ts'
import { placeRequest } from './stages/place.ts'
import { makePrivately } from './stages/make-privately.ts'
import { promiseReceipt } from './stages/promise-receipt.ts'
import { readBody } from './stages/read-body.ts'
import { receive } from './stages/receive.ts'
import { record } from './stages/record.ts'

/** A request that was understood. The bytes of its body are held until `release`. */
interface Understood {
  readonly context: Fingerprinted
  readonly release: () => void
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
  const incoming: Incoming = {
    request,
    requestId,
    run: edge.runtime.randomHex(12),
    surface,
    receivedAtMs: edge.runtime.now(),
    arrival: edge.runtime.arrivalOf(request),
    configVersion: await edge.mesh.configVersion(),
  }
  const understood = await recorded(incoming, understand(incoming, edge), edge)
  if (!understood.ok) return withRateLimits(refuse(understood.error, edge), understood.error.context, edge)
  const { context, release } = understood.value
  const patience = patienceOf(context, edge)
  // With an answer begun the body is in the pool's hands, and ours no more.
  const answering = findOrMake(context, patience, edge).finally(release)
  // It may break while the decision is waited for; whoever responds then meets it.
  void answering.catch(() => undefined)
  const decided = await recorded(context, edge.trail.decide(context), edge)
  if (!decided.ok) {
    edge.waitUntil(abandon(context, answering, patience, edge))
    return refuse({ error: decided.error, context }, edge)
  }
  const response = context.generation.stream
    ? respondWithStream(context, answering, patience, edge)
    : respondWithJson(answering, edge)
  // What broke must not hold a pool's slot.
  void response.catch(() => patience.leave())
  return withRateLimits(await recorded(context, response, edge), context, edge)
}

async function understand(incoming: Incoming, edge: Edge): Promise<Result<Understood, Failure>> {
  const received = receive(incoming, edge)
  if (!received.ok) return stop(received.error, incoming)
  const authenticated = await authenticate(received.value, edge)
  if (!authenticated.ok) return stop(authenticated.error, received.value)
  const arrived = checkArrival(authenticated.value, edge)
  if (!arrived.ok) return stop(arrived.error, authenticated.value)
  const read = await readBody(arrived.value, edge)
  if (!read.ok) return stop(read.error, arrived.value)
  const { release } = read.value
  let isHeld = false
  let charge: Charge | undefined
  try {
    if (!(await isStillInForce(edge))) return stop({ reason: 'config_unavailable' }, read.value.context)
    const placed = placeRequest(read.value.context, edge)
    if (!placed.ok) return stop(placed.error, read.value.context)
    const storable = checkStorage(placed.value)
    if (!storable.ok) return stop(storable.error, placed.value)
    const admitted = await admit(storable.value, edge)
    if (!admitted.ok) return stop(admitted.error, placed.value)
    charge = admitted.value.charge
    const promised = promiseReceipt(admitted.value, admitted.value.generation.stream, edge)
    if (!promised.ok) return stop(promised.error, admitted.value)
    const context = await fingerprintRequest({ ...admitted.value, ...promised.value }, edge)
    isHeld = true
    return ok({ context, release })
  } finally {
    if (!isHeld) release()
    if (!isHeld) charge?.settle({})
  }
}

async function findOrMake(
  context: Fingerprinted,
  patience: Patience,
  edge: Edge,
): Promise<Result<Answered, Failure>> {
  const lookedUp = await lookUp(context, edge, patience)
  if (!lookedUp.ok) return stop(patience.explain(lookedUp.error), context)
  const { shared } = lookedUp.value
  if (shared === undefined) {
    const made = await makePrivately(lookedUp.value, edge, patience)
    return made.ok ? made : stop(patience.explain(made.error), lookedUp.value)
  }
  return ok({ ...lookedUp.value, answer: { ...shared, source: patience.limit(shared.source) } })
}

/** Nobody is to have the answer: whoever makes it stops, and keeps nothing for a client that might come back. */
async function abandon(
  context: Fingerprinted,
  answering: Promise<Result<Answered, Failure>>,
  patience: Patience,
  edge: Edge,
): Promise<void> {
  patience.leave()
  const answered = await answering.catch(() => undefined)
  if (answered?.ok === true) answered.value.answer.source.cancel()
  await leaveLog(context, edge)
}

function stop(error: GatewayError, context: Failure['context']): Result<never, Failure> {
  return err({ error, context })
}

/** A broken invariant is the error boundary's to answer, but like every end of a request it leaves a line. */
async function recorded<T>(context: Failure['context'], work: Promise<T>, edge: Edge): Promise<T> {
  try {
    return await work
  } catch (error) {
    record({ context, status: 500, error: 'internal_error' }, edge)
    throw error
  }
}
