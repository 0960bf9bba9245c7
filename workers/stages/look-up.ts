/**
 * Eighth stage: what is known already. A shareable request is put to the shard that owns its log, which replays the
 * answer or makes it; if the shard cannot be reached in time this isolate makes an answer of its own and stores none.
 */
import type { GatewayError } from '../../shared/errors.ts'
import { isLive } from '../../shared/lease/lease.ts'
import { shardOf } from '../../shared/log/shard-of.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Fingerprinted, LookedUp, PrivateReason, Sharing } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import type { GenerationJob } from '../objects/log-shard-rpc.ts'
import { travelTo } from '../objects/stubs.ts'
import { openLogAnswer } from '../stream/log-answer.ts'

/** Fails with `not_cached`, or with what the shard's own dispatch failed with. */
export async function lookUp(
  context: Fingerprinted,
  edge: Edge,
  signal: AbortSignal,
): Promise<Result<LookedUp, GatewayError>> {
  const { sharing } = context
  if (sharing.kind === 'private') return withoutLog(context, sharing.detail)

  const stream = await openShard(context, sharing, edge)
  if (stream === undefined) return withoutLog(context, 'shard_unreachable')
  const answer = await openLogAnswer(stream, signal)
  if (answer.ok) {
    const isOld = answer.value.facts.outcome === 'hit' && !isLive(sharing.lease, edge.runtime.now())
    if (!isOld) return ok({ ...context, shared: answer.value })
    // A purge may have returned in the meantime: what was known before it is not served after it.
    answer.value.source.cancel()
    return withoutLog(context, 'no_lease')
  }
  if (answer.error.reason !== 'broken') return err(answer.error)
  return signal.aborted ? err({ reason: 'client_cancelled' }) : withoutLog(context, 'shard_unreachable')
}

/** The request does without: it is made here, for this reader alone. */
function withoutLog(context: Fingerprinted, detail: PrivateReason): Result<LookedUp, GatewayError> {
  if (context.narrowing.cache.onlyIfCached) return err({ reason: 'not_cached' })
  return ok({ ...context, sharing: { kind: 'private', detail } })
}

/** Undefined where the shard does not take the job in time. */
async function openShard(
  context: Fingerprinted,
  sharing: Extract<Sharing, { kind: 'shared' }>,
  edge: Edge,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const { log } = edge.mesh.config
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), log.open_within_ms)
  })
  try {
    const { home, fingerprint } = sharing
    const opened = travelTo(home, context.edgeRegion, edge.mesh.regions, edge.runtime).then(() =>
      edge.stubs.logShard(home, shardOf(fingerprint, log.shards_per_home)).open(jobOf(context, sharing)),
    )
    // A stream that comes too late must not keep a generation alive for nobody.
    const stream = await Promise.race([opened, late])
    if (stream === undefined) void opened.then((orphan) => orphan.cancel()).catch(() => undefined)
    return stream
  } catch {
    // Overloaded, unreachable, restarted or not permitted here: the request does without.
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

function jobOf(context: Fingerprinted, sharing: Extract<Sharing, { kind: 'shared' }>): GenerationJob {
  const { narrowing } = context
  const { cache } = narrowing
  return {
    requestId: context.requestId,
    fingerprint: sharing.fingerprint,
    home: sharing.home,
    tenant: context.tenant.id,
    keyId: context.keyId,
    modelVersion: context.modelVersion,
    generation: context.generation,
    cacheSalt: context.cacheSalt,
    residency: {
      arrival: context.arrival,
      ...(narrowing.residency === undefined ? {} : { narrow: narrowing.residency }),
      ...(narrowing.dataClass === undefined ? {} : { dataClass: narrowing.dataClass }),
    },
    allowedPools: context.placement.pools.map(({ pool }) => pool.id),
    cache: {
      read: cache.read,
      onlyIfCached: cache.onlyIfCached,
      ttlSeconds: sharing.ttlSeconds,
      ...(cache.maxAgeSeconds === undefined ? {} : { maxAgeSeconds: cache.maxAgeSeconds }),
    },
  }
}
