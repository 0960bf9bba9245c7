/**
 * The stages of an embeddings request in their order, which nothing else knows: those of pipeline.ts up to admission, then
 * name the inputs, look up, have a pool make what is not known, answer, keep, record. The first failure ends the ladder.
 */
import type { GatewayError } from '../shared/errors.ts'
import { isLive } from '../shared/lease/lease.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { Edge } from './edge.ts'
import { admitInputs } from './embeddings/admit-inputs.ts'
import { poolsOf, promptTokensOf, type VectorsAnswer } from './embeddings/answer.ts'
import type { EmbeddingsIncoming, InputsNamed, ItemEntries } from './embeddings/contexts.ts'
import { keepVectors } from './embeddings/keep-vectors.ts'
import { lookUpInputs } from './embeddings/look-up-inputs.ts'
import { makeVectors } from './embeddings/make-vectors.ts'
import { nameInputs } from './embeddings/name-inputs.ts'
import { readInputs } from './embeddings/read-inputs.ts'
import { usageOf } from './embeddings/usage-of.ts'
import { respondWithVectors } from './embeddings/respond-with-vectors.ts'
import { createVectorHold, type VectorHold } from './embeddings/vector-hold.ts'
import { liveLease } from './live-lease.ts'
import { patienceOf } from './patience.ts'
import { isStillInForce } from './placed-now.ts'
import { withRateLimits } from './rate-limit-headers.ts'
import { refuse, type Failure } from './respond.ts'
import { authenticate } from './stages/authenticate.ts'
import { checkArrival } from './stages/check-arrival.ts'
import { placeRequest } from './stages/place.ts'
import { receive } from './stages/receive.ts'
import { record } from './stages/record.ts'

const NOTHING_KNOWN: ItemEntries = new Map()

/** Serves one embeddings request, from its first header to its record. */
export function serveEmbeddings(request: Request, requestId: string, edge: Edge): Promise<Response> {
  const response = respond(request, requestId, edge)
  // As in pipeline.ts: what is held for a client that breaks off has to be given back.
  edge.waitUntil(response.catch(() => undefined))
  return response
}

async function respond(request: Request, requestId: string, edge: Edge): Promise<Response> {
  const incoming: EmbeddingsIncoming = {
    request,
    requestId,
    surface: 'embeddings',
    receivedAtMs: edge.runtime.now(),
    arrival: edge.runtime.arrivalOf(request),
    configVersion: await edge.mesh.configVersion(),
  }
  const hold = createVectorHold(edge.bodies)
  let isHeld = false
  try {
    const answered = await answer(incoming, hold, edge)
    if (!answered.ok) return withRateLimits(refuse(answered.error, edge), answered.error.context, edge)
    const response = respondWithVectors(answered.value, edge, (outcome) => {
      hold.release()
      recordAnswer(answered.value, outcome, edge)
    })
    isHeld = true
    const { context, making } = answered.value
    if (making !== undefined) keepVectors(context, making.entries, edge)
    return withRateLimits(response, context, edge)
  } catch (error) {
    // A broken invariant is the error boundary's to answer, but like every end of a request it leaves a line.
    record({ context: incoming, status: 500, error: 'internal_error' }, edge)
    throw error
  } finally {
    if (!isHeld) hold.release()
  }
}

async function answer(
  incoming: EmbeddingsIncoming,
  hold: VectorHold,
  edge: Edge,
): Promise<Result<VectorsAnswer, Failure>> {
  const received = receive(incoming, edge)
  if (!received.ok) return stop(received.error, incoming)
  if (received.value.narrowing.wantsReceipt) {
    return stop({ reason: 'receipt_not_available', because: 'embeddings' }, incoming)
  }
  const authenticated = await authenticate(received.value, edge)
  if (!authenticated.ok) return stop(authenticated.error, received.value)
  const arrived = checkArrival(authenticated.value, edge)
  if (!arrived.ok) return stop(arrived.error, authenticated.value)
  const read = await readInputs(arrived.value, edge)
  if (!read.ok) return stop(read.error, arrived.value)
  try {
    if (!(await isStillInForce(edge))) return stop({ reason: 'config_unavailable' }, read.value.context)
    const placed = placeRequest(read.value.context, edge)
    if (!placed.ok) return stop(placed.error, read.value.context)
    const admitted = await admitInputs(placed.value, edge)
    if (!admitted.ok) return stop(admitted.error, placed.value)
    const { charge } = admitted.value
    try {
      const named = await nameInputs(admitted.value, edge)
      // Neither waits for the other; what is made of a request whose decision is not kept nobody gets, and nothing keeps.
      const [decided, found] = await Promise.all([edge.trail.decide(named), findAndMake(named, hold, edge)])
      if (!decided.ok) return stop(decided.error, named)
      return found.ok ? found : stop(found.error, named)
    } catch (error) {
      charge.settle({})
      throw error
    }
  } finally {
    read.value.release()
  }
}

async function findAndMake(
  context: InputsNamed,
  hold: VectorHold,
  edge: Edge,
): Promise<Result<VectorsAnswer, GatewayError>> {
  const patience = patienceOf(context, edge)
  const known = await lookUpInputs(context, hold, edge)
  if (!known.ok) return known
  const first = await complete(known.value)
  if (!first.ok || known.value.size === 0) return first
  const isSound = (await isStillTrue(context, edge)) && haveOneLength(first.value)
  return isSound ? first : complete(NOTHING_KNOWN)

  async function complete(entries: ItemEntries): Promise<Result<VectorsAnswer, GatewayError>> {
    const unknown = [...context.batch.items.keys()].filter((number) => !entries.has(number))
    if (unknown.length === 0) return ok({ context, outcome: 'hit', known: entries })
    const { onlyIfCached, read } = context.narrowing.cache
    if (onlyIfCached) return err({ reason: 'not_cached' })
    const making = await makeVectors(context, unknown, { patience, hold }, edge)
    if (!making.ok) return err(patience.explain(making.error))
    const outcome = context.keeping.kind === 'bypass' ? 'bypass' : read ? 'miss' : 'refresh'
    return ok({ context, outcome, known: entries, making: making.value })
  }
}

/**
 * While a pool made the rest, the lease may have run out and a purge may have returned: what was known before it is not
 * served after it.
 */
async function isStillTrue(context: InputsNamed, edge: Edge): Promise<boolean> {
  const { keeping } = context
  if (keeping.kind === 'bypass') return false
  if (isLive(keeping.lease, edge.runtime.now())) return true
  const lease = await liveLease({ ...context, lease: keeping.lease }, edge)
  return lease?.epoch === keeping.lease.epoch
}

/** Vectors of different lengths cannot be of one model: it was replaced under the same name, and all are made anew. */
function haveOneLength({ known, making }: VectorsAnswer): boolean {
  const entries = [...known.values(), ...(making?.entries.values() ?? [])]
  return new Set(entries.map(({ vector }) => vector.byteLength)).size === 1
}

function recordAnswer(answered: VectorsAnswer, outcome: 'completed' | 'client_cancelled', edge: Edge): void {
  const { context, known, making } = answered
  const { keeping, batch, modelVersion } = context
  const promptTokens = promptTokensOf(answered)
  const more = usageOf(answered, edge)
  record(
    {
      context,
      status: 200,
      facts: {
        outcome: answered.outcome,
        modelVersion,
        ...(making === undefined
          ? {}
          : {
              pool: making.candidate.placed.pool.id,
              attempts: making.attempts,
              route: making.route,
              firstTokenMs: making.tookMs,
            }),
      },
      end: {
        outcome,
        ...(promptTokens === undefined ? {} : { usage: { promptTokens, completionTokens: 0 } }),
        pools: poolsOf(answered),
      },
      batch: {
        inputs: batch.itemOf.length,
        items: batch.items.length,
        known: known.size,
        ...(keeping.kind === 'bypass' ? { detail: keeping.detail } : {}),
      },
      more,
    },
    edge,
  )
}

function stop(error: GatewayError, context: Failure['context']): Result<never, Failure> {
  return err({ error, context })
}
