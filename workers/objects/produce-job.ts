/** Makes the answer to a job: places it again under the shard's own config, ranks from the home, and dispatches. */
import { keyName } from '../../shared/affinity/pseudonym.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { narrowTo } from '../../shared/residency/place.ts'
import { err, type Result } from '../../shared/result.ts'
import { produce, type ProduceInput, type Produced } from '../stages/produce.ts'
import type { DispatchDependencies } from '../stages/try-candidates.ts'
import type { ConfigLease } from '../stores/config-leases.ts'
import type { StartInput } from './generation.ts'
import { placeJob } from './place-job.ts'

/**
 * The pools asked are those that the placements of all readers and the shard's own config allow.
 * `hold` gives the version of the config that the shard may act under now. Fails with what placing or dispatching failed with.
 */
export function produceJob(
  { job, begun, allowedPools, signal }: StartInput,
  { onPoison, onUse }: Pick<ProduceInput, 'onPoison' | 'onUse'>,
  hold: () => Promise<ConfigLease | undefined>,
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
      async placement() {
        const lease = await hold()
        const placed = lease === undefined ? undefined : placeJob(job, lease.mesh)
        if (placed === undefined) return err({ reason: 'config_unavailable' })
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
      ...(onUse === undefined ? {} : { onUse }),
    },
    dependencies,
  )
}
