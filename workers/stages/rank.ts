/** Ninth stage: the pools that may answer, the one expected to answer first in front. */
import type { Prompt } from '../../shared/affinity/prompt.ts'
import { rendezvous } from '../../shared/affinity/rendezvous.ts'
import type { PoolState } from '../../shared/pool/snapshot.ts'
import { tokensIn } from '../../shared/pool/token-ratio.ts'
import type { Placement } from '../../shared/residency/place.ts'
import type { RequestSize } from '../../shared/routing/estimate.ts'
import { rankPools, type HashedPool, type Ranking } from '../../shared/routing/rank.ts'
import type { Pool, Region } from '../../shared/schema/mesh.ts'
import type { GenerationRequest } from '../../shared/schema/request.ts'
import { adapters } from '../adapters/index.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import type { RegionView } from '../stores/pool-states.ts'

export interface RankInput {
  readonly placement: Placement
  readonly modelVersion: string
  readonly generation: GenerationRequest
  readonly prompt: Prompt
  /** Whose request it is, as the pools' states know it. */
  readonly key: string
  /** Where the pools are called from: the edge's region, or a log's home. */
  readonly origin: Region
  /** Whether the pool is to go on from what another one has begun, which not every dialect can. */
  readonly isContinuation?: boolean
}

/** Of answers of which nothing is known: the usual order of magnitude of a chat's. */
const UNKNOWN_OUTPUT_TOKENS = 256
/** A small set keeps requests with the same beginning together, and two are enough to even out loads (DualMap). */
const HASHED_POOLS = 2

/** Ranks with what is known from `origin`. Changes nothing: what looking costs is in the ranking. */
export function rank(
  input: RankInput,
  { mesh, runtime, view }: { mesh: Mesh; runtime: Pick<Runtime, 'now' | 'random'>; view: RegionView },
): Ranking {
  const { generation, placement, prompt } = input
  const model = mesh.models.get(generation.model)
  const extras = new Set(model?.extra_fields)
  const states = view.all
  const size = sizeOf(generation, prompt, { states, view })
  const nowMs = runtime.now()
  const { anchors } = prompt
  return rankPools({
    placement,
    version: input.modelVersion,
    key: input.key,
    origin: input.origin,
    states,
    nowMs,
    size,
    warmTokens: (pool) =>
      view.warmth.believed(anchors, pool, { promptTokens: size.promptTokens, nowMs }).tokens,
    hash: (pools) => hashedPools(prompt, pools, view),
    looks: view.looks,
    msPerCent: mesh.config.routing.ms_per_cent,
    draw: runtime.random(),
    acceptsFields: (pool) =>
      acceptsFields(pool, generation, extras) &&
      (input.isContinuation !== true || adapters[pool.dialect].continues[generation.surface]),
    ...(model === undefined ? {} : { contextLength: model.context_length }),
    ...(generation.tokenLimit === undefined ? {} : { limitTokens: generation.tokenLimit }),
  })
}

function sizeOf(
  { model, tokenLimit }: GenerationRequest,
  { anchors }: Prompt,
  { states, view }: { readonly states: RegionView['all']; readonly view: RegionView },
): RequestSize {
  return {
    promptTokens: tokensIn(anchors.bytes, view.tokenRatio(model)),
    outputTokens: Math.min(tokenLimit ?? Infinity, usualOutputTokens([...states.values()])),
  }
}

function usualOutputTokens(states: readonly PoolState[]): number {
  const seen = states.flatMap(({ measures: { decode } }) => decode?.completionTokens ?? [])
  return seen.length === 0
    ? UNKNOWN_OUTPUT_TOKENS
    : seen.reduce((sum, tokens) => sum + tokens, 0) / seen.length
}

function hashedPools(
  { hint, anchors }: Prompt,
  pools: readonly HashedPool[],
  view: RegionView,
): readonly string[] {
  const key = hint ?? view.hotAnchors.affinityAnchor(anchors, pools.length)?.id
  return key === undefined ? [] : rendezvous(key, pools, HASHED_POOLS)
}

function acceptsFields(pool: Pool, generation: GenerationRequest, extras: ReadonlySet<string>): boolean {
  const accepted = adapters[pool.dialect].fields[generation.surface]
  return Object.keys(generation.body).every((field) => accepted.has(field) || extras.has(field))
}
