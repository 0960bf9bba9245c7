/** Seventh stage: which version of the model answers, and which log, if any, this request belongs to. */
import { cachePolicy, type NotShared } from '../../shared/cache/policy.ts'
import { cacheScopeOf } from '../../shared/cache/scope.ts'
import { base64Url } from '../../shared/fingerprint/bytes.ts'
import {
  claimName,
  fingerprint,
  requestDigest,
  type CacheScope,
} from '../../shared/fingerprint/fingerprint.ts'
import { pickVersion } from '../../shared/fingerprint/model-version.ts'
import type { Lease } from '../../shared/lease/lease.ts'
import { worldHomeOf, type Home } from '../../shared/residency/home.ts'
import { withinRetention } from '../../shared/residency/storage.ts'
import { webCryptoDigests } from '../digests.ts'
import type { Admitted, Fingerprinted, Sharing } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import { liveLease } from '../live-lease.ts'
import { wantsToComeBack } from './check-storage.ts'

/** Where nothing is to be kept, whatever the client may want to come back to. */
const NEVER_KEPT: ReadonlySet<NotShared> = new Set(['off', 'no_store', 'policy'])

export async function fingerprintRequest(context: Admitted, edge: Edge): Promise<Fingerprinted> {
  const { tenant, model, generation, home, receipt } = context
  const lease = await liveLease(context, edge)
  const keys = await edge.keys.of(tenant.id)
  const policy = cachePolicy({
    model,
    tenant,
    body: generation.body,
    directives: context.narrowing.cache,
  })
  const { cacheSalt } = keys
  const onlyVersion = model.versions.length === 1 ? model.versions[0] : undefined
  const hasLog = isKept(policy, context)

  // A private request of a model with one version needs no digest of its content at all.
  const needsNone = (!hasLog || home === undefined || lease === undefined) && receipt === undefined
  if (needsNone && onlyVersion !== undefined) {
    return { ...context, modelVersion: onlyVersion.id, cacheSalt, sharing: privately() }
  }
  const digest = await requestDigest(generation, keys.key, webCryptoDigests)
  const modelVersion = onlyVersion?.id ?? pickVersion(model.versions, digest)
  const sharing =
    hasLog && home !== undefined && lease !== undefined
      ? await share(context, { keys, digest, modelVersion, home, lease, policy }, edge)
      : privately()
  return { ...context, modelVersion, cacheSalt, sharing, requestDigest: base64Url(digest) }

  function privately(): Sharing {
    if (!hasLog && !policy.share) return { kind: 'private', detail: policy.reason }
    return { kind: 'private', detail: home === undefined ? 'no_home' : 'no_lease' }
  }
}

/** Whether the answer is to be kept in a log: for others, or for the client to come back to. */
export function isKept(
  policy: ReturnType<typeof cachePolicy>,
  context: Pick<Admitted, 'narrowing'>,
): boolean {
  return policy.share || (wantsToComeBack(context.narrowing) && !NEVER_KEPT.has(policy.reason))
}

interface ShareInput {
  readonly keys: { readonly key: Uint8Array }
  readonly digest: Uint8Array
  readonly modelVersion: string
  readonly home: NonNullable<Admitted['home']>
  readonly lease: Lease
  readonly policy: ReturnType<typeof cachePolicy>
}

async function share(context: Admitted, input: ShareInput, edge: Edge): Promise<Sharing> {
  const { tenant, model, placement, narrowing, generation } = context
  const { keys, digest, modelVersion, lease, policy } = input
  const { log } = edge.mesh.config
  const claim = await claimOf(context, digest, keys.key)
  const name = await fingerprint(
    {
      tenant: tenant.id,
      scope: policy.share
        ? cacheScopeOf(tenant, { keyId: context.keyId, user: generation.hints.user })
        : ownScope(context, claim?.name),
      epoch: lease.epoch,
      placement: placement.placementClass,
      version: modelVersion,
      requestDigest: digest,
    },
    keys.key,
    webCryptoDigests,
  )
  const isWorldwide = (tenant.cache.coalesce ?? model.cache.coalesce) === 'world'
  const worldHome = (of: string): Home => worldHomeOf(placement, of, edge.mesh.mode) ?? input.home
  // Whoever sends a request again may arrive anywhere: an answer that only its key finds is where the key leads.
  const isOnlyClaimed = !policy.share && claim !== undefined
  const home = isWorldwide || isOnlyClaimed ? worldHome(name) : input.home
  const ownTtl =
    narrowing.idempotencyKey === undefined ? log.resumable_ttl_seconds : log.idempotency_ttl_seconds
  return {
    kind: 'shared',
    fingerprint: name,
    home,
    lease,
    ttlSeconds: withinRetention(
      placement,
      policy.share ? policy.ttlSeconds : Math.min(ownTtl, narrowing.cache.ttlSeconds ?? Infinity),
    ),
    ...(policy.share ? {} : { alone: policy.reason }),
    ...(claim === undefined ? {} : { claim: { ...claim, home: worldHome(claim.name) } }),
  }

  /** A limit does not change the fingerprint; a request with another one is another request all the same. */
  async function claimOf(
    { narrowing: { idempotencyKey }, keyId }: Admitted,
    request: Uint8Array,
    key: Uint8Array,
  ) {
    if (idempotencyKey === undefined) return undefined
    return {
      name: await claimName({ keyId, idempotencyKey }, key, webCryptoDigests),
      request: `${base64Url(request)}/${generation.tokenLimit ?? ''}`,
    }
  }
}

/** Nobody else: it is there for the client to come back to, or to send the same request again. */
function ownScope({ run }: Admitted, claimed: string | undefined): CacheScope {
  return claimed === undefined ? { kind: 'run', id: run } : { kind: 'idempotency', id: claimed }
}
