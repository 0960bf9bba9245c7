/**
 * Places a job again, under the config that the shard runs. The edge has placed it under its own, which may be newer or older:
 * only what both allow is done.
 */
import type { GatewayError } from '../../shared/errors.ts'
import type { Placement } from '../../shared/residency/place.ts'
import { placeAgain } from '../../shared/residency/place-again.ts'
import { mayHaveHome } from '../../shared/residency/home.ts'
import { withinRetention } from '../../shared/residency/storage.ts'
import { err, type Result } from '../../shared/result.ts'
import type { Mesh } from '../mesh.ts'
import type { GenerationJob, ResidencyFacts, ResumeJob } from './log-shard-rpc.ts'

type PlacingMesh = Pick<Mesh, 'config' | 'tenants' | 'models'>

/** Fails with `config_unavailable`, or as placing does. */
export function placeJob(job: GenerationJob, mesh: PlacingMesh): Result<Placement, GatewayError> {
  return placeUnder({ ...job, model: job.generation.model, facts: [job.residency] }, mesh)
}

/** The job with its answer by no other pools, kept no longer, and copied no further, than this config allows. */
export function withinPolicy(job: GenerationJob, mesh: PlacingMesh): GenerationJob {
  const placed = placeJob(job, mesh)
  // Nothing will be made of it, and nothing that is known already is for it.
  if (!placed.ok) {
    return { ...job, allowedPools: [], cache: { ...job.cache, isPromotable: false, wantsCopy: false } }
  }
  const { storage } = placed.value
  return {
    ...job,
    allowedPools: namedIn(placed.value, job.allowedPools),
    cache: {
      ...job.cache,
      ttlSeconds: withinRetention(placed.value, job.cache.ttlSeconds),
      isPromotable: job.cache.isPromotable && storage === 'anywhere',
      wantsCopy: job.cache.wantsCopy && storage !== 'none',
    },
  }
}

/** The same for a reader who comes back: what neither config forbids it is there for it. */
export function resumeWithinPolicy(job: ResumeJob, mesh: PlacingMesh): ResumeJob {
  const placed = placeUnder({ ...job, facts: job.residency }, mesh)
  if (!placed.ok) return { ...job, allowedPools: [] }
  const maxAgeSeconds = withinRetention(placed.value, job.maxAgeSeconds ?? Number.POSITIVE_INFINITY)
  return {
    ...job,
    allowedPools: namedIn(placed.value, job.allowedPools),
    ...(Number.isFinite(maxAgeSeconds) ? { maxAgeSeconds } : {}),
  }
}

interface PlacingInput extends Pick<GenerationJob, 'tenant' | 'keyId' | 'home'> {
  readonly model: string
  /** What was said at several times: only what all of it allows is. */
  readonly facts: readonly ResidencyFacts[]
}

function placeUnder(
  { tenant: id, keyId, model: name, home, facts }: PlacingInput,
  { config, tenants, models }: PlacingMesh,
): Result<Placement, GatewayError> {
  const tenant = tenants.get(id)
  const model = models.get(name)
  if (tenant === undefined || model === undefined) return err({ reason: 'config_unavailable' })
  const placed = placeAgain({ config, tenant, keyId, model }, facts)
  if (!placed.ok) return placed
  // What ours does not allow to be stored here is not.
  return mayHaveHome(placed.value, home) ? placed : err({ reason: 'config_unavailable' })
}

function namedIn({ pools }: Placement, names: readonly string[]): readonly string[] {
  const allowed = new Set(pools.map(({ pool }) => pool.id))
  return names.filter((name) => allowed.has(name))
}
