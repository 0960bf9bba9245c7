/** Asks one pool for the vectors of a batch and reads them: the unit that is repeated until a pool answers. */
import { createAnswerReader, type PoolEmbeddings } from '../../shared/embedding/read-answer.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Candidate } from '../../shared/routing/rank.ts'
import type { EmbeddingInput } from '../../shared/schema/embeddings-request.ts'
import type { Region } from '../../shared/schema/mesh.ts'
import { adapters } from '../adapters/index.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { createStallWatchdog } from '../stream/stall-watchdog.ts'
import { callOut } from './call.ts'
import { failureOfCall, failureOfStatus, type PoolFailure } from './pool-failure.ts'
import { poolTarget, type PoolTarget } from './pool-target.ts'

/** What a pool is asked for. */
export interface EmbeddingsJob {
  readonly inputs: readonly EmbeddingInput[]
  readonly params: Readonly<Record<string, unknown>>
  readonly modelVersion: string
  readonly cacheSalt: string
  /** Where we are. */
  readonly origin: Region
  /** When the whole answer must be here, milliseconds since the epoch. */
  readonly endsByMs: number
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Takes the room for so many bytes of vectors, or says that there is none. */
  readonly takeRoom: (bytes: number) => boolean
}

interface Dependencies {
  readonly mesh: Mesh
  readonly runtime: Runtime
}

const KIBIBYTE = 1024
/** The longest vector in digits takes less; what is longer is no vector. */
const MAX_BYTES_PER_INPUT = 512 * KIBIBYTE
/** 2048 vectors of 1536 floats in the longest decimals that servers write. */
const MAX_ANSWER_BYTES = 64 * KIBIBYTE * KIBIBYTE
const MAX_REST_BYTES = 64 * KIBIBYTE

const NO_ANSWER: PoolFailure = { kind: 'fault', fault: 'server_error' }

/** Resolves when the whole answer is here and is one: as many vectors as inputs, all finite and of one length. */
export async function askForEmbeddings(
  { placed }: Candidate,
  job: EmbeddingsJob,
  { mesh, runtime }: Dependencies,
): Promise<Result<PoolEmbeddings, PoolFailure>> {
  const target = poolTarget(placed.pool, mesh.env)
  const servedModel = placed.served(job.modelVersion)
  if (target === undefined || servedModel === undefined) {
    return err({ kind: 'final', error: { reason: 'pool_misconfigured' } })
  }
  const adapter = adapters[placed.pool.dialect]
  const abort = new AbortController()
  const leave = (): void => abort.abort()
  job.signal.addEventListener('abort', leave, { once: true })
  try {
    const request = adapter.embeddings.buildRequest({ ...job, servedModel, pool: placed.pool })
    const askedAtMs = runtime.now()
    const { headersByMs, onTimeout } = patienceOf(job, askedAtMs + mesh.config.limits.first_token_ms)
    const response = await callOut(
      {
        url: `${target.baseUrl}/${request.path}`,
        method: 'POST',
        headers: headersFor(target),
        body: request.body,
        allowedHosts: mesh.poolHosts,
        headersWithinMs: Math.max(1, headersByMs - askedAtMs),
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
    const { status, body } = response.value
    if (status !== 200 || body === null) return err(await failureOfStatus(response.value, adapter))
    return await readAnswer(body, job, { abort, onTimeout, idleMs: mesh.config.limits.idle_ms, runtime })
  } finally {
    job.signal.removeEventListener('abort', leave)
  }
}

/** Everything a pool gets is listed here: nothing of the client's headers is among it. */
function headersFor({ headers }: PoolTarget): Record<string, string> {
  return { ...headers, 'content-type': 'application/json', accept: 'application/json' }
}

/** A client that gives a pool a millisecond must not be able to say that it failed. */
function patienceOf(
  { endsByMs }: EmbeddingsJob,
  patienceEndsAtMs: number,
): { headersByMs: number; onTimeout: PoolFailure } {
  return endsByMs < patienceEndsAtMs
    ? { headersByMs: endsByMs, onTimeout: { kind: 'final', error: { reason: 'pool_timeout' } } }
    : { headersByMs: patienceEndsAtMs, onTimeout: { kind: 'fault', fault: 'timeout' } }
}

interface ReadOptions {
  /** Aborting it closes the connection. */
  readonly abort: AbortController
  readonly onTimeout: PoolFailure
  readonly idleMs: number
  readonly runtime: Runtime
}

async function readAnswer(
  body: ReadableStream<Uint8Array>,
  job: EmbeddingsJob,
  { abort, onTimeout, idleMs, runtime }: ReadOptions,
): Promise<Result<PoolEmbeddings, PoolFailure>> {
  const answer = createAnswerReader()
  const decoder = new TextDecoder()
  const reader = body.getReader()
  const maxBytes = Math.min(MAX_ANSWER_BYTES, job.inputs.length * MAX_BYTES_PER_INPUT + MAX_REST_BYTES)
  let receivedBytes = 0
  let cut: 'stalled' | 'timed_out' | undefined
  const watchdog = createStallWatchdog({
    idleMs,
    endsByMs: job.endsByMs,
    runtime,
    onCut(why) {
      cut = why
      abort.abort()
    },
  })
  try {
    for (;;) {
      watchdog.waiting()
      const { done, value } = await reader.read()
      watchdog.arrived()
      if (done) break
      receivedBytes += value.byteLength
      const vectorBytes = answer.push(decoder.decode(value, { stream: true }))
      if (vectorBytes === undefined || receivedBytes > maxBytes) return err(NO_ANSWER)
      if (!job.takeRoom(vectorBytes)) return err({ kind: 'final', error: { reason: 'edge_busy' } })
    }
    const embeddings = answer.end(job.inputs.length)
    return embeddings === undefined ? err(NO_ANSWER) : ok(embeddings)
  } catch {
    // A read fails because we cut it, because the client left, or because the pool's connection broke.
    if (job.signal.aborted) return err({ kind: 'cancelled' })
    if (cut === 'timed_out') return err(onTimeout)
    return err({ kind: 'fault', fault: cut === 'stalled' ? 'timeout' : 'server_error', died: true })
  } finally {
    watchdog.stop()
    // After the end there is nothing left to cancel; before it the connection is closed.
    await reader.cancel().catch(() => undefined)
  }
}
