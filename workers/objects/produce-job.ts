/** Makes the answer to a job: places it again under the shard's own config, ranks from the home, and dispatches. */
import type { AnswerFacts } from '../../shared/log/answer-facts.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { narrowTo, place } from '../../shared/residency/place.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { factsOf } from '../facts-of.ts'
import { dispatch, type Dispatched } from '../stages/dispatch.ts'
import type { DispatchDependencies } from '../stages/try-candidates.ts'
import { rank } from '../stages/rank.ts'
import type { GenerationJob } from './log-shard-rpc.ts'

/**
 * The pools asked are those that both the edge's placement and the shard's own config allow.
 * Fails with what placing or dispatching failed with.
 */
export async function produceJob(
  job: GenerationJob,
  signal: AbortSignal,
  dependencies: DispatchDependencies,
): Promise<Result<{ dispatched: Dispatched; facts: AnswerFacts }, GatewayError>> {
  const { mesh, runtime } = dependencies
  const { generation, modelVersion } = job
  const tenant = mesh.tenants.get(job.tenant)
  const model = mesh.models.get(generation.model)
  const origin = mesh.regions.get(job.home.region)
  // The edge runs a newer or older config than the shard: whatever they do not agree on is not allowed.
  if (tenant === undefined || model === undefined || origin === undefined) {
    return err({ reason: 'config_unavailable' })
  }
  const placed = place({ config: mesh.config, tenant, model, ...job.residency })
  if (!placed.ok) return placed
  const { restricted, storageRegions } = placed.value
  // The edge chose this home under another config than ours; what ours does not allow is not stored.
  if (restricted && !storageRegions.some((region) => region.id === origin.id)) {
    return err({ reason: 'config_unavailable' })
  }
  const placement = narrowTo(placed.value, new Set(job.allowedPools))
  if (!placement.ok) return placement

  const key = `${job.tenant}/${job.keyId}`
  const ranking = rank({ placement: placement.value, modelVersion, generation, key, origin }, dependencies)
  const dispatched = await dispatch(
    {
      ranking,
      generation,
      modelVersion,
      cacheSalt: job.cacheSalt,
      key,
      origin,
      endsByMs: runtime.now() + mesh.config.limits.total_ms,
      signal,
    },
    dependencies,
  )
  if (!dispatched.ok) return dispatched
  const facts = factsOf({
    dispatched: dispatched.value,
    ranking,
    outcome: job.cache.read ? 'miss' : 'refresh',
    modelVersion,
    nowMs: runtime.now(),
    ttlSeconds: job.cache.ttlSeconds,
  })
  return ok({ dispatched: dispatched.value, facts })
}
