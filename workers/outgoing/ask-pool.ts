/** Asks one pool and waits for its first token: the unit that dispatch repeats. */
import { err, ok, type Result } from '../../shared/result.ts'
import type { Candidate } from '../../shared/routing/rank.ts'
import type { Region } from '../../shared/schema/mesh.ts'
import type { GenerationRequest } from '../../shared/schema/request.ts'
import { createIngest } from '../../shared/stream/ingest.ts'
import { continuationBody, type PartialAnswer } from '../../shared/log/continuation.ts'
import type { Frame, Usage } from '../../shared/log/frame.ts'
import { createSeam } from '../../shared/log/seam.ts'
import { adapters, startReading } from '../adapters/index.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { readPoolAnswer, type PoolAnswer, type PoolStep } from '../stream/pool-answer.ts'
import { callOut } from './call.ts'
import { failureOfCall, failureOfEvent, failureOfStatus, type PoolFailure } from './pool-failure.ts'
import { poolTarget } from './pool-target.ts'

/** What a pool is asked to do. */
export interface PoolJob {
  readonly generation: GenerationRequest
  readonly modelVersion: string
  readonly cacheSalt: string
  /** What there is of the answer already: the pool is to go on from it. */
  readonly begun?: BegunAnswer
  /** Where we are. */
  readonly origin: Region
  /** When the whole answer must be here, milliseconds since the epoch. */
  readonly endsByMs: number
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** The beginning of an answer, as other pools have left it. */
export interface BegunAnswer extends PartialAnswer {
  /** The counts last stated for it. */
  readonly usage?: Usage
}

/**
 * As many tokens as a client may ask for by default, at 256 bytes an event. A pool that never ends would otherwise fill the
 * 128 MB of the isolate that collects its answer.
 */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024

/** An answer that has begun. */
export interface Begun {
  readonly first: PoolStep
  readonly answer: PoolAnswer
  /** From the call to the response's headers. */
  readonly headersMs: number
}

/** Resolves when the pool has sent its first token (or a whole, empty answer). */
export async function askPool(
  candidate: Candidate,
  job: PoolJob,
  { mesh, runtime }: { readonly mesh: Mesh; readonly runtime: Runtime },
): Promise<Result<Begun, PoolFailure>> {
  const { placed } = candidate
  const { generation, begun } = job
  const { limits } = mesh.config
  const adapter = adapters[placed.pool.dialect]
  const target = poolTarget(placed.pool, mesh.env)
  if (target === undefined) return err({ kind: 'final', error: { reason: 'pool_misconfigured' } })

  const request = adapter.buildRequest({
    surface: generation.surface,
    body: begun === undefined ? generation.body : continuationBody(generation, begun),
    isContinuation: begun !== undefined,
    servedModel: placed.served(job.modelVersion) ?? generation.model,
    cacheSalt: job.cacheSalt,
    pool: placed.pool,
  })
  const abort = new AbortController()
  const leave = (): void => abort.abort(job.signal.reason)
  job.signal.addEventListener('abort', leave, { once: true })
  const askedAtMs = runtime.now()
  const patienceEndsAtMs = askedAtMs + limits.first_token_ms
  const firstTokenByMs = Math.min(patienceEndsAtMs, job.endsByMs)
  // A client that gives a pool a millisecond must not be able to say that it failed.
  const onTimeout: PoolFailure =
    job.endsByMs < patienceEndsAtMs
      ? { kind: 'final', error: { reason: 'pool_timeout' } }
      : { kind: 'fault', fault: 'timeout' }
  const response = await callOut(
    {
      url: `${target.baseUrl}/${request.path}`,
      method: 'POST',
      // Everything a pool gets is listed here: nothing of the client's headers is among it.
      headers: {
        ...target.headers,
        ...adapter.headers,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: request.body,
      allowedHosts: mesh.poolHosts,
      headersWithinMs: Math.max(1, firstTokenByMs - runtime.now()),
      abort,
      from: job.origin,
      ...(target.through === undefined ? {} : { through: target.through }),
    },
    runtime,
  )
  if (!response.ok) {
    return err(
      response.error === 'timeout' ? onTimeout : failureOfCall(response.error, runtime.now() - askedAtMs),
    )
  }
  if (response.value.status !== 200 || response.value.body === null) {
    return err(await failureOfStatus(response.value, adapter))
  }

  const headersMs = runtime.now() - askedAtMs
  const answer = readPoolAnswer({
    body: response.value.body,
    ingest: createIngest({
      surface: generation.surface,
      readEvent: startReading(adapter),
      expectedChoices: typeof generation.body['n'] === 'number' ? generation.body['n'] : 1,
    }),
    ...(begun === undefined ? {} : { seam: createSeam(generation.surface, begun, begun.usage) }),
    abort,
    maxBytes: MAX_ANSWER_BYTES,
    idleMs: limits.idle_ms,
    endsByMs: job.endsByMs,
    runtime,
  })
  const started = await awaitFirstToken(answer, firstTokenByMs - runtime.now(), onTimeout, job.signal)
  return started.ok ? ok({ ...started.value, headersMs }) : started
}

/** Reads until something a client would show, or the end, is there. */
async function awaitFirstToken(
  answer: PoolAnswer,
  withinMs: number,
  onTimeout: PoolFailure,
  signal: AbortSignal,
): Promise<Result<{ first: PoolStep; answer: PoolAnswer }, PoolFailure>> {
  let isLate = false
  const timer = setTimeout(
    () => {
      isLate = true
      answer.cancel()
    },
    Math.max(1, withinMs),
  )
  try {
    const frames: Frame[] = []
    for (;;) {
      const step = await answer.next()
      // What was on its way when the time was over can still be read; its connection is closed, and nothing follows it.
      if (isLate) return err(onTimeout)
      frames.push(...step.frames)
      const first = { ...step, frames }
      if (step.outcome === 'completed' || frames.some((frame) => frame.hasContent)) {
        return ok({ first, answer })
      }
      if (step.outcome === undefined) continue
      if (signal.aborted) return err({ kind: 'cancelled' })
      if (step.outcome === 'timed_out') return err(onTimeout)
      if (step.fault !== undefined) return err(failureOfEvent(step.fault))
      const fault = step.outcome === 'stalled' ? 'timeout' : 'server_error'
      return err({ kind: 'fault', fault, died: true })
    }
  } finally {
    clearTimeout(timer)
  }
}
