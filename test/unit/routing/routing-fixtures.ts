/** Placements, pool states and ranking inputs for tests of ranking. */
import type { Breaker } from '../../../shared/pool/circuit-breaker.ts'
import { observeFirstToken, type PrefillFit } from '../../../shared/pool/prefill-fit.ts'
import { UNMEASURED, type PoolMeasures } from '../../../shared/pool/pool-measures.ts'
import type { SharedPool } from '../../../shared/pool/region-snapshot.ts'
import type { PoolState } from '../../../shared/pool/snapshot.ts'
import { UNKNOWN_POOL } from '../../../shared/pool/snapshot.ts'
import type { Placement } from '../../../shared/residency/place.ts'
import { place } from '../../../shared/residency/place.ts'
import type { RankInput } from '../../../shared/routing/rank.ts'
import type { MeshConfig, Region } from '../../../shared/schema/mesh.ts'
import { aMesh, firstModel, firstTenant, must } from '../residency/a-mesh.ts'

export const OPEN = {
  kind: 'open',
  sinceMs: 1000,
  untilMs: 5000,
  openMs: 4000,
  cause: 'failing',
  answers: false,
  failures: [],
} as const satisfies Breaker

export function placementOf(config: MeshConfig = aMesh()): Placement {
  const result = place({
    config,
    tenant: firstTenant(config),
    model: firstModel(config),
    arrival: { host: 'h' },
  })
  return must(result.ok ? result.value : undefined)
}

export function regionOf(id: string, config: MeshConfig = aMesh()): Region {
  return must(config.regions.find((region) => region.id === id))
}

/** Five first tokens of short prompts, the last one just now (time 0), all as predicted. */
export function fitAt(levelMs: number): PrefillFit {
  const times = [-400, -300, -200, -100, 0]
  const fit = times.reduce<PrefillFit | undefined>((before, atMs) => {
    const askedAtMs = atMs - levelMs
    const sample = { askedAtMs, atMs, ttftMs: levelMs, queueMs: 0, uncachedTokens: 0, isCounted: false }
    return observeFirstToken(before, sample, levelMs)
  }, undefined)
  return must(fit)
}

type Changes = Partial<Omit<PoolState, 'measures'>> & { readonly measures?: Partial<PoolMeasures> }

/** A pool measured at this time to first token, just now (time 0). */
export function measured(levelMs: number, { measures, ...changes }: Changes = {}): PoolState {
  return {
    ...UNKNOWN_POOL,
    measures: { ...UNMEASURED, prefill: fitAt(levelMs), ...measures },
    ...changes,
  }
}

/** What a region's monitor says of a pool that does nothing. */
export function aShared(changes: Partial<SharedPool> & { readonly atMs?: number } = {}): SharedPool & {
  readonly atMs: number
} {
  return { measures: UNMEASURED, inFlight: 0, tokensPerSecond: 0, isDrained: false, atMs: 0, ...changes }
}

/** For key `a` until that time. */
export function saturatedUntil(untilMs: number, key?: string): PoolMeasures['saturation'] {
  return [{ untilMs, waitMs: 1000, leastWaitMs: 0, ...(key === undefined ? {} : { key }) }]
}

/** A ranking from Frankfurt over eu-1, us-1 and ap-1, of a tiny prompt, that looks nowhere. */
export function anInput(changes: Partial<RankInput> = {}): RankInput {
  return {
    placement: placementOf(),
    version: '1',
    key: 'a',
    origin: regionOf('eu-central'),
    states: new Map(),
    nowMs: 0,
    size: { promptTokens: 0, outputTokens: 100 },
    looks: { looks: -1, blindLooks: -1 },
    msPerCent: 0,
    draw: 0.5,
    acceptsFields: () => true,
    ...changes,
  }
}
