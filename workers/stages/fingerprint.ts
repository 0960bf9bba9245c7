/** Seventh stage: which version of the model answers, and which shared answer, if any, this request belongs to. */
import { cachePolicy } from '../../shared/cache/policy.ts'
import { fingerprint, requestDigest, type CacheScope } from '../../shared/fingerprint/fingerprint.ts'
import { pickVersion } from '../../shared/fingerprint/model-version.ts'
import { isLive, type Lease } from '../../shared/lease/lease.ts'
import { webCryptoDigests } from '../digests.ts'
import type { Admitted, Fingerprinted, PrivateReason } from '../contexts.ts'
import type { Edge } from '../edge.ts'

export async function fingerprintRequest(context: Admitted, edge: Edge): Promise<Fingerprinted> {
  const { tenant, model, generation, placement, home } = context
  const lease = await liveLease(context, edge)
  const keys = await edge.keys.of(tenant.id)
  const policy = cachePolicy({
    model,
    tenant,
    body: generation.body,
    directives: context.narrowing.cache,
  })
  const onlyVersion = model.versions.length === 1 ? model.versions[0] : undefined
  const isShareable = policy.share && home !== undefined && lease !== undefined

  // A private request of a model with one version needs no digest of its content at all.
  if (!isShareable && onlyVersion !== undefined) {
    return { ...context, modelVersion: onlyVersion.id, cacheSalt: keys.cacheSalt, sharing: privately() }
  }
  const digest = await requestDigest(generation, keys.key, webCryptoDigests)
  const modelVersion = onlyVersion?.id ?? pickVersion(model.versions, digest)
  if (!isShareable) return { ...context, modelVersion, cacheSalt: keys.cacheSalt, sharing: privately() }

  const name = await fingerprint(
    {
      tenant: tenant.id,
      scope: scopeOf(context),
      epoch: lease.epoch,
      placement: placement.placementClass,
      version: modelVersion,
      requestDigest: digest,
    },
    keys.key,
    webCryptoDigests,
  )
  return {
    ...context,
    modelVersion,
    cacheSalt: keys.cacheSalt,
    sharing: { kind: 'shared', fingerprint: name, home, ttlSeconds: policy.ttlSeconds, lease },
  }

  function privately(): { kind: 'private'; detail: PrivateReason } {
    if (!policy.share) return { kind: 'private', detail: policy.reason }
    return { kind: 'private', detail: home === undefined ? 'no_home' : 'no_lease' }
  }
}

/**
 * The body may have taken longer than the lease lived, and a purge may have come in between: under the old epoch the
 * request would still find what was purged.
 */
async function liveLease(context: Admitted, edge: Edge): Promise<Lease | undefined> {
  const { lease, tenant, configVersion } = context
  if (lease === undefined || isLive(lease, edge.runtime.now())) return lease
  const held = await edge.leases.hold(tenant, configVersion, edge.waitUntil)
  return held.kind === 'held' ? held.lease : undefined
}

/** Who else may get this answer. A request without a `user` shares with nobody but requests without one. */
function scopeOf(context: Admitted): CacheScope {
  switch (context.tenant.cache.scope) {
    case 'tenant':
      return { kind: 'tenant' }
    case 'key':
      return { kind: 'key', id: context.keyId }
    case 'user':
      return { kind: 'user', id: context.generation.hints.user ?? '' }
  }
}
