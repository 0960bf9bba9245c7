/** Makes the answer to a job: places it again under the shard's own config, ranks from the home, and dispatches. */
import { keyName } from '../../shared/affinity/pseudonym.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { mayHaveHome } from '../../shared/residency/home.ts'
import { narrowTo, place, type Placement } from '../../shared/residency/place.ts'
import { err, type Result } from '../../shared/result.ts'
import { produce, type Produced } from '../stages/produce.ts'
import type { DispatchDependencies } from '../stages/try-candidates.ts'
import type { StartInput } from './generation.ts'
import type { GenerationJob } from './log-shard-rpc.ts'

/**
 * The pools asked are those that the placements of all readers and the shard's own config allow.
 * Fails with what placing or dispatching failed with.
 */
export function produceJob(
  { job, begun, allowedPools, signal }: StartInput,
  onPoison: () => void,
  dependencies: DispatchDependencies,
): Promise<Result<Produced, GatewayError>> {
  const { mesh, runtime } = dependencies
  const tenant = mesh.tenants.get(job.tenant)
  const origin = mesh.regions.get(job.home.region)
  // The edge runs a newer or older config than the shard: whatever they do not agree on is not allowed.
  if (tenant === undefined || origin === undefined) {
    return Promise.resolve(err({ reason: 'config_unavailable' }))
  }
  return produce(
    {
      placement() {
        const placed = placeJob(job, dependencies)
        const narrowed = placed.ok ? narrowTo(placed.value, allowedPools()) : placed
        // The edge has placed it: that nothing is left here says that the two run different configs.
        return narrowed.ok ? narrowed : err({ reason: 'config_unavailable' })
      },
      tenant,
      generation: job.generation,
      modelVersion: job.modelVersion,
      cacheSalt: job.cacheSalt,
      key: keyName(job.keyId, job.cacheSalt),
      origin,
      ...(job.affinity === undefined ? {} : { affinity: job.affinity }),
      // The shard is where the rules allow it to be.
      isRemembered: true,
      name: job.run,
      ...(begun === undefined ? {} : { begun }),
      endsByMs: runtime.now() + mesh.config.limits.total_ms,
      signal,
      onPoison,
    },
    dependencies,
  )
}

function placeJob(job: GenerationJob, { mesh }: DispatchDependencies): Result<Placement, GatewayError> {
  const tenant = mesh.tenants.get(job.tenant)
  const model = mesh.models.get(job.generation.model)
  if (tenant === undefined || model === undefined) return err({ reason: 'config_unavailable' })
  const placed = place({ config: mesh.config, tenant, keyId: job.keyId, model, ...job.residency })
  if (!placed.ok) return placed
  // The edge chose this home under another config than ours; what ours does not allow is not stored.
  return mayHaveHome(placed.value, job.home) ? placed : err({ reason: 'config_unavailable' })
}
