/** Placements and pool states for tests of ranking, and a seeded random source. */
import type { Breaker } from '../../../shared/pool/circuit-breaker.ts'
import type { PoolState } from '../../../shared/pool/snapshot.ts'
import { UNKNOWN_POOL } from '../../../shared/pool/snapshot.ts'
import type { Placement } from '../../../shared/residency/place.ts'
import { place } from '../../../shared/residency/place.ts'
import type { RankInput } from '../../../shared/routing/rank.ts'
import type { MeshConfig, Region } from '../../../shared/schema/mesh.ts'
import { aMesh, firstModel, firstTenant, must } from '../residency/a-mesh.ts'

export const OPEN = { kind: 'open', untilMs: 5000, openMs: 4000, answers: false } as const satisfies Breaker

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

/** A pool measured at this time to first token, just now (time 0). */
export function measured(costMs: number, changes: Partial<PoolState> = {}): PoolState {
  return { ...UNKNOWN_POOL, latency: { costMs, bestMs: costMs, updatedAtMs: 0, sampleCount: 9 }, ...changes }
}

/** A ranking from Frankfurt over eu-1, us-1 and ap-1 that explores nothing. */
export function anInput(changes: Partial<RankInput> = {}): RankInput {
  return {
    placement: placementOf(),
    version: '1',
    key: 'a',
    origin: regionOf('eu-central'),
    states: new Map(),
    nowMs: 0,
    rng: () => 0.5,
    acceptsFields: () => true,
    ...changes,
  }
}

/** Mulberry32: small, seeded, and even enough for tests. */
export function seededRng(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
