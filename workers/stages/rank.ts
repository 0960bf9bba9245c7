/** Ninth stage: the pools that may answer, the one expected to answer first in front. */
import { rankPools, type Ranking } from '../../shared/routing/rank.ts'
import type { Placement } from '../../shared/residency/place.ts'
import type { Pool, Region } from '../../shared/schema/mesh.ts'
import type { GenerationRequest } from '../../shared/schema/request.ts'
import { adapters } from '../adapters/index.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import type { PoolStates } from '../stores/pool-states.ts'

export interface RankInput {
  readonly placement: Placement
  readonly modelVersion: string
  readonly generation: GenerationRequest
  /** Whose request it is, as the pools' states know it. */
  readonly key: string
  /** Where the pools are called from: the edge's region, or a log's home. */
  readonly origin: Region
  /** Whether the pool is to go on from what another one has begun, which not every dialect can. */
  readonly isContinuation?: boolean
}

/** Ranks with what this isolate has measured from `origin`. */
export function rank(
  input: RankInput,
  { mesh, runtime, pools }: { mesh: Mesh; runtime: Runtime; pools: PoolStates },
): Ranking {
  const { generation, placement } = input
  const model = mesh.models.get(generation.model)
  const extras = new Set(model?.extra_fields)
  return rankPools({
    placement,
    version: input.modelVersion,
    key: input.key,
    origin: input.origin,
    states: pools.seenFrom(input.origin.id).all,
    nowMs: runtime.now(),
    rng: () => runtime.random(),
    acceptsFields: (pool) =>
      acceptsFields(pool, generation, extras) &&
      (input.isContinuation !== true || adapters[pool.dialect].continues[generation.surface]),
    // What the prompt takes of the window only its pool can count.
    ...(model === undefined ? {} : { contextLength: model.context_length }),
    ...(generation.tokenLimit === undefined ? {} : { limitTokens: generation.tokenLimit }),
  })
}

function acceptsFields(pool: Pool, generation: GenerationRequest, extras: ReadonlySet<string>): boolean {
  const accepted = adapters[pool.dialect].fields[generation.surface]
  return Object.keys(generation.body).every((field) => accepted.has(field) || extras.has(field))
}
