/** What a shard is told of a request: all it needs to answer it, and nothing of the client's headers. */
import type { Fingerprinted, Sharing } from '../contexts.ts'
import type { GenerationJob } from '../objects/log-shard-rpc.ts'
import { mayKeepHere } from './may-keep-here.ts'

export type SharedRequest = Fingerprinted & { readonly sharing: Extract<Sharing, { kind: 'shared' }> }

export function jobOf(request: SharedRequest): GenerationJob {
  const { narrowing, sharing, placement } = request
  const { cache } = narrowing
  const isAlone = sharing.alone !== undefined
  return {
    run: request.run,
    fingerprint: sharing.fingerprint,
    wrappedKey: sharing.lease.wrappedKey,
    home: sharing.home,
    tenant: request.tenant.id,
    keyId: request.keyId,
    modelVersion: request.modelVersion,
    generation: request.generation,
    bodyBytes: request.bodyBytes,
    cacheSalt: request.cacheSalt,
    residency: {
      arrival: request.arrival,
      ...(narrowing.residency === undefined ? {} : { narrow: narrowing.residency }),
      ...(narrowing.dataClass === undefined ? {} : { dataClass: narrowing.dataClass }),
      ...(narrowing.headers === undefined ? {} : { headers: narrowing.headers }),
    },
    allowedPools: placement.pools.map(({ pool }) => pool.id),
    comesBack: comesBack(request),
    ...(narrowing.affinity === undefined ? {} : { affinity: narrowing.affinity }),
    cache: {
      read: cache.read,
      onlyIfCached: cache.onlyIfCached,
      ttlSeconds: sharing.ttlSeconds,
      ...(cache.maxAgeSeconds === undefined ? {} : { maxAgeSeconds: cache.maxAgeSeconds }),
      isPromotable: placement.storage === 'anywhere' && !isAlone,
      wantsCopy: mayShareHere(request),
    },
  }
}

/** Whether this isolate may hold what the request is answered with for others, too. */
export function mayShareHere({ placement, arrival, sharing }: SharedRequest): boolean {
  return sharing.alone === undefined && mayKeepHere(placement, arrival)
}

/**
 * Whether the client can come back when it has left. With an Idempotency-Key it can at any time; without, only if it was
 * told the name of its run, which one JSON's headers do too late.
 */
function comesBack({ narrowing, generation }: SharedRequest): GenerationJob['comesBack'] {
  if (narrowing.idempotencyKey !== undefined) return 'always'
  return narrowing.isResumable && generation.stream ? 'once_begun' : 'never'
}
