/** Which version of the model embeds, and the names under which the vectors are looked up and kept. */
import { cachePolicy } from '../../shared/cache/policy.ts'
import { cacheScopeOf } from '../../shared/cache/scope.ts'
import { embeddingNames, embeddingVersion } from '../../shared/fingerprint/embedding-name.ts'
import { withinRetention } from '../../shared/residency/storage.ts'
import { webCryptoDigests } from '../digests.ts'
import type { Edge } from '../edge.ts'
import { liveLease } from '../live-lease.ts'
import type { InputsNamed, InputsAdmitted, Keeping } from './contexts.ts'

export async function nameInputs(context: InputsAdmitted, edge: Edge): Promise<InputsNamed> {
  const { tenant, model } = context
  const { key, cacheSalt, objectName } = await edge.keys.of(tenant.id)
  const modelVersion = await embeddingVersion(model.versions, model.id, key, webCryptoDigests)
  const keeping = await keepingOf(context, { modelVersion, key, tenantObject: objectName }, edge)
  return { ...context, modelVersion, cacheSalt, keeping }
}

async function keepingOf(
  context: InputsAdmitted,
  by: { readonly modelVersion: string; readonly key: Uint8Array; readonly tenantObject: string },
  edge: Edge,
): Promise<Keeping> {
  const { tenant, model, home, keyId, embeddings, batch } = context
  // The same text gives the same vector: there is nothing sampled about it.
  const policy = cachePolicy({ model, tenant, directives: context.narrowing.cache })
  if (!policy.share) return { kind: 'bypass', detail: policy.reason }
  if (home === undefined) return { kind: 'bypass', detail: 'no_home' }
  const lease = await liveLease(context, edge)
  if (lease === undefined) return { kind: 'bypass', detail: 'no_lease' }
  const names = await embeddingNames(
    {
      tenant: tenant.id,
      scope: cacheScopeOf(tenant, { keyId, user: embeddings.user }),
      epoch: lease.epoch,
      placement: context.placement.placementClass,
      version: by.modelVersion,
      model: embeddings.model,
      params: embeddings.params,
    },
    batch.items,
    by.key,
    webCryptoDigests,
  )
  return {
    kind: 'kept',
    names,
    home,
    tenantObject: by.tenantObject,
    ttlSeconds: withinRetention(context.placement, policy.ttlSeconds),
    lease,
  }
}
