/**
 * Serves a reader who comes back to a run. The stages are those of a request that has no body: receive, authenticate, check
 * arrival, open the run's id, place again where it arrives, and read the log on.
 */
import type { AnswerFacts } from '../shared/log/answer-facts.ts'
import type { GatewayError } from '../shared/errors.ts'
import type { KeptLog } from '../shared/log/document.ts'
import { isLive, type Lease } from '../shared/lease/lease.ts'
import { isDistrusted } from '../shared/log/reading.ts'
import type { Run } from '../shared/log/run.ts'
import { bothHeaderFacts } from '../shared/residency/header-facts.ts'
import { homeOf } from '../shared/residency/home.ts'
import type { Placement } from '../shared/residency/place.ts'
import { placeAgain } from '../shared/residency/place-again.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { Home } from '../shared/residency/home.ts'
import { withinRetention } from '../shared/residency/storage.ts'
import type { Arrived, Incoming, Placed } from './contexts.ts'
import type { Edge } from './edge.ts'
import { distrustedTimes } from './log-reader.ts'
import { factsOfLog } from './objects/log-facts.ts'
import type { ResidencyFacts } from './objects/log-shard-rpc.ts'
import { travelTo } from './objects/stubs.ts'
import type { Failure } from './respond.ts'
import { openRunId } from './run-id.ts'
import { authenticate } from './stages/authenticate.ts'
import { checkArrival } from './stages/check-arrival.ts'
import { receive } from './stages/receive.ts'
import type { AnswerSource } from './stream/answer-source.ts'
import { isModelAllowed } from './stream/json-body.ts'
import { keptAnswer } from './stream/kept-answer.ts'
import { openLogAnswer } from './stream/log-answer.ts'
import { within } from './within.ts'

/** There is no other way to the answer, so that a shard gets more time here than for a new one. */
const SHARD_WITHIN_MS = 3000

/** A run whose owner has come back to where it may be read. */
export interface OwnRun {
  readonly context: Arrived & Pick<Placed, 'model' | 'placement' | 'home'>
  readonly run: Run
  readonly home: Home
  readonly placement: Placement
  /** What the placement was decided from. */
  readonly residency: readonly ResidencyFacts[]
  readonly lease: Lease
}

export interface Resumed {
  readonly facts: AnswerFacts
  readonly source: AnswerSource
}

/**
 * Finds out whether the run is this client's, and may be read where it arrived.
 * Fails with `run_not_found` for whatever is not there for this client, whatever the reason; `context` is as much as there was.
 */
export async function openRun(incoming: Incoming, id: string, edge: Edge): Promise<Result<OwnRun, Failure>> {
  const received = receive(incoming, edge)
  if (!received.ok) return stop(received.error, incoming)
  const authenticated = await authenticate(received.value, edge)
  if (!authenticated.ok) return stop(authenticated.error, received.value)
  const arrived = checkArrival(authenticated.value, edge)
  if (!arrived.ok) return stop(arrived.error, authenticated.value)
  const context = arrived.value
  const { tenant, keyId, lease, edgeRegion } = context

  const { key } = await edge.keys.of(tenant.id)
  const run = await openRunId(id, { key, keyId })
  const model = run && isModelAllowed(tenant, run.model) ? edge.mesh.models.get(run.model) : undefined
  if (run === undefined || model === undefined) return stop({ reason: 'run_not_found' }, context)
  if (lease === undefined) return stop({ reason: 'run_unavailable' }, context)
  // A purge ends what was made before it.
  if (lease.epoch !== run.epoch) return stop({ reason: 'run_not_found' }, context)
  const residency = saidInAll(run, context)
  const placement = placeAgain({ config: edge.mesh.config, tenant, model, keyId }, residency)
  if (!placement.ok) return stop(placement.error, { ...context, model })
  const home = homeOf(placement.value, edge.mesh.regions.get(run.home) ?? edgeRegion, edge.mesh.mode)
  // Where it was kept is where it may be kept, or it is not there for anybody.
  if (home?.region !== run.home) return stop({ reason: 'run_not_found' }, context)
  const whole = { ...context, model, placement: placement.value, home }
  return ok({ context: whole, run, home, placement: placement.value, residency, lease })
}

/** Reads the run's log on from an event. Fails with `run_not_found`, or `run_unavailable` where nobody can say. */
export async function readRun(own: OwnRun, from: number, edge: Edge): Promise<Result<Resumed, GatewayError>> {
  const { run, home, placement, residency, lease, context } = own
  const allowedPools = placement.pools.map(({ pool }) => pool.id)
  const job = {
    run: run.nonce,
    fingerprint: run.fingerprint,
    wrappedKey: lease.wrappedKey,
    events: from,
    home,
    tenant: context.tenant.id,
    keyId: context.keyId,
    model: run.model,
    residency,
    allowedPools,
    ...(placement.retentionSeconds === undefined ? {} : { maxAgeSeconds: placement.retentionSeconds }),
    ...(run.take === undefined ? {} : { take: run.take }),
    ...(run.limit === undefined ? {} : { limit: run.limit }),
  }
  let failure: GatewayError = { reason: 'run_unavailable' }
  try {
    await travelTo(home, context.edgeRegion, edge.mesh.regions, edge.runtime)
    const opened = edge.stubs.logShard(home, run.shard).resume(job)
    const stream = await within(opened, SHARD_WITHIN_MS)
    if (stream === undefined) {
      edge.waitUntil(opened.then((orphan) => orphan.cancel()).catch(() => undefined))
    } else {
      const answer = await openLogAnswer(stream, { signal: context.request.signal, runtime: edge.runtime })
      if (answer.ok && isLive(lease, edge.runtime.now())) return ok(answer.value)
      if (answer.ok) answer.value.source.cancel()
      else if (isError(answer.error)) failure = answer.error
    }
  } catch {
    // The shard cannot be reached: a copy of the log perhaps can.
  }
  return (await fromCopy(own, from, edge)) ?? err(failure)
}

/** Lets go of what was held for the run. What cannot be reached ends by itself. */
export async function letGo({ run, home }: OwnRun, edge: Edge): Promise<void> {
  await edge.stubs
    .logShard(home, run.shard)
    .detach(run.nonce)
    .catch(() => undefined)
}

/** What the first request narrowed itself to still holds, and what this one says does too: each with each. */
function saidInAll(run: Run, { narrowing, arrival }: Arrived): readonly ResidencyFacts[] {
  const narrow = [run.narrow, narrowing.residency].filter((words) => words !== undefined)
  const classes = new Set([run.dataClass, narrowing.dataClass ?? run.dataClass])
  const headers = bothHeaderFacts(run.headers, narrowing.headers)
  return (narrow.length === 0 ? [undefined] : narrow).flatMap((words) =>
    [...classes].map((claimed) => ({
      arrival,
      ...(words === undefined ? {} : { narrow: words }),
      ...(claimed === undefined ? {} : { dataClass: claimed }),
      ...(headers === undefined ? {} : { headers }),
    })),
  )
}

/** What was answered from a copy may have no log where the run's home is. */
async function fromCopy(
  own: OwnRun,
  from: number,
  edge: Edge,
): Promise<Result<Resumed, GatewayError> | undefined> {
  const { run, placement, lease } = own
  // Of one log it has had events; another take of the same answer may say something else.
  if (placement.storage !== 'anywhere' || run.take !== undefined) return undefined
  const kept =
    edge.answers.remembered(run.fingerprint, edge.runtime.now()) ??
    (await within(edge.answers.fetch(run.fingerprint, lease.wrappedKey), SHARD_WITHIN_MS))
  const nowMs = edge.runtime.now()
  if (kept === undefined || !isLive(lease, nowMs) || kept.life.expiresAtMs <= nowMs) return undefined
  if (nowMs - kept.life.createdAtMs > withinRetention(placement, Number.POSITIVE_INFINITY) * 1000)
    return undefined
  const times = distrustedTimes(edge.mesh.config.distrust)
  if (!isAllowed(kept, placement) || times.some((time) => isDistrusted(kept.log, kept.life, time)))
    return undefined
  return ok({ facts: factsOfLog(kept, 'hit', nowMs), source: keptAnswer(kept, run.limit, from) })
}

function isAllowed({ log }: KeptLog, placement: Placement): boolean {
  return log.producers.every((producer) => placement.pools.some(({ pool }) => pool.id === producer.pool))
}

function isError(error: { readonly reason: string }): error is GatewayError {
  return error.reason !== 'broken' && error.reason !== 'busy' && error.reason !== 'gone'
}

function stop(error: GatewayError, context: Failure['context']): Result<never, Failure> {
  return err({ error, context })
}
