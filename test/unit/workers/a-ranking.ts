/** How the pools of a config are ranked from Frankfurt, whose own pool is the nearest; nothing is known but what a test says. */
import { place, type Placement } from '../../../shared/residency/place.ts'
import { rankPools, type RankInput, type Ranking } from '../../../shared/routing/rank.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import { must } from './must.ts'

type Known = Partial<Omit<RankInput, 'placement' | 'origin'>>

export function aRanking(config: MeshConfig, known: Known = {}): Ranking {
  return rankPools({
    placement: placementOf(config),
    origin: must(config.regions[0]),
    version: '1',
    key: 'demo/k1',
    states: new Map(),
    nowMs: 1,
    size: { promptTokens: 1, outputTokens: 256 },
    looks: { looks: 0, blindLooks: 0 },
    msPerCent: 0,
    draw: 0.5,
    acceptsFields: () => true,
    ...known,
  })
}

/** Every pool that serves the first model. */
export function placementOf(config: MeshConfig): Placement {
  const placed = place({
    config,
    tenant: must(config.tenants[0]),
    model: must(config.models[0]),
    arrival: { host: 'edge.test', colo: 'FRA' },
  })
  return must(placed.ok ? placed.value : undefined)
}
