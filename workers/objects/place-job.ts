/**
 * Places a job again, under the config that the shard runs. The edge has placed it under its own, which may be newer or older:
 * only what both allow is done.
 */
import type { GatewayError } from '../../shared/errors.ts'
import { place, type Placement } from '../../shared/residency/place.ts'
import { mayHaveHome } from '../../shared/residency/home.ts'
import { withinRetention } from '../../shared/residency/storage.ts'
import { err, type Result } from '../../shared/result.ts'
import type { Mesh } from '../mesh.ts'
import type { GenerationJob } from './log-shard-rpc.ts'

/** Fails with `config_unavailable`, or as placing does. */
export function placeJob(
  job: GenerationJob,
  mesh: Pick<Mesh, 'config' | 'tenants' | 'models'>,
): Result<Placement, GatewayError> {
  const tenant = mesh.tenants.get(job.tenant)
  const model = mesh.models.get(job.generation.model)
  if (tenant === undefined || model === undefined) return err({ reason: 'config_unavailable' })
  const placed = place({ config: mesh.config, tenant, keyId: job.keyId, model, ...job.residency })
  if (!placed.ok) return placed
  // What ours does not allow to be stored here is not.
  return mayHaveHome(placed.value, job.home) ? placed : err({ reason: 'config_unavailable' })
}

/** The job with its answer kept no longer, and copied no further, than this config allows. */
export function withinPolicy(
  job: GenerationJob,
  mesh: Pick<Mesh, 'config' | 'tenants' | 'models'>,
): GenerationJob {
  const placed = placeJob(job, mesh)
  // Nothing will be made of it; what is known already goes no further.
  if (!placed.ok) return { ...job, cache: { ...job.cache, isPromotable: false, wantsCopy: false } }
  const { storage } = placed.value
  return {
    ...job,
    cache: {
      ...job.cache,
      ttlSeconds: withinRetention(placed.value, job.cache.ttlSeconds),
      isPromotable: job.cache.isPromotable && storage === 'anywhere',
      wantsCopy: job.cache.wantsCopy && storage !== 'none',
    },
  }
}
