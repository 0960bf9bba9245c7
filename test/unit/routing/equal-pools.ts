/** Eight edges that know nothing of each other and four pools that are alike, for tests of what many of them do together. */
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import type { EngineSpec } from '../../support/virtual-engine.ts'
import { createFleet, type Fleet, type VirtualAnswer } from '../../support/virtual-fleet.ts'
import type { Reports } from '../../support/virtual-monitors.ts'
import { aMesh } from '../residency/a-mesh.ts'

export const EDGES = 8
export const EQUAL_POOLS = ['p-0', 'p-1', 'p-2', 'p-3']
const CAPACITY = 32
/**
 * With so many requests a second the busiest of four pools would have more than 1.3 times the mean of five seconds if each
 * request tossed a fair coin once in 10⁷ times: 1000 requests, 250 ± 13.7 each, and 325 is 5.5 of these away.
 */
export const PER_SECOND = 200
const OUTPUT_TOKENS = 100
const RTT_MS = 30

export interface EqualPools {
  readonly seed: number
  readonly reports: Reports
  /** Share of all places that is taken on average. */
  readonly utilisation?: number
  readonly spec?: Partial<EngineSpec>
}

/** Each edge is in a region of its own, all equally far from the pools. */
export function equalPools({ seed, reports, utilisation = 0.65, spec = {} }: EqualPools): Fleet {
  const stayMs = (utilisation * EQUAL_POOLS.length * CAPACITY * 1000) / PER_SECOND
  const engine: EngineSpec = {
    capacity: CAPACITY,
    baseMs: 20,
    msPerPromptToken: 0.1,
    msPerOutputToken: (stayMs - 30) / OUTPUT_TOKENS,
    ...spec,
  }
  const fleet = createFleet({
    config: equalConfig(),
    seed,
    engines: Object.fromEntries(EQUAL_POOLS.map((id) => [id, engine])),
    rttMs: () => RTT_MS,
    reports,
  })
  for (let edge = 0; edge < EDGES; edge += 1) fleet.addEdge(`edge-${edge}`)
  return fleet
}

/** How many times the mean the busiest pool got, at worst, of all windows of five seconds in this time. */
export function worstShare(answers: readonly VirtualAnswer[], fromMs: number, toMs: number): number {
  let worst = 0
  for (let startMs = fromMs; startMs + 5000 <= toMs; startMs += 500) {
    const window = answers.filter(({ atMs }) => atMs >= startMs && atMs < startMs + 5000)
    const most = Math.max(...EQUAL_POOLS.map((pool) => countOf(pool, window)))
    worst = Math.max(worst, (most * EQUAL_POOLS.length) / window.length)
  }
  return worst
}

/** How often an edge left a pool that had much of its traffic and came back to it. */
export function rejoins(
  answers: readonly VirtualAnswer[],
  edge: number,
  pool: string,
  [fromMs, toMs]: readonly [number, number],
): number {
  const own = answers.filter((answer) => answer.edge === edge)
  let [count, isUsed, isLeft] = [0, false, false]
  for (let startMs = fromMs; startMs + 5000 <= toMs; startMs += 500) {
    const window = own.filter(({ atMs }) => atMs >= startMs && atMs < startMs + 5000)
    const share = countOf(pool, window) / window.length
    if (share > 0.2 && isLeft) count += 1
    isUsed = isUsed || share > 0.2
    isLeft = share < 0.02 ? isUsed : share <= 0.2 && isLeft
  }
  return count
}

function countOf(pool: string, answers: readonly VirtualAnswer[]): number {
  return answers.filter(({ asked }) => asked[0] === pool).length
}

function equalConfig(): MeshConfig {
  const place = { jurisdiction: 'eu', latitude: 50, longitude: 8, location_hint: 'weur' }
  const edges = Array.from({ length: EDGES }, (_, n) => ({
    ...place,
    id: `edge-${n}`,
    colos: [`E${String.fromCodePoint(65 + n)}A`],
  }))
  return aMesh({
    regions: [...edges, { ...place, id: 'pools', colos: ['PLS'] }],
    pools: EQUAL_POOLS.map((id) => ({
      id,
      region: 'pools',
      dialect: 'vllm',
      url: `https://${id}.example/v1`,
      models: [{ model: 'm' }],
      capacity: CAPACITY,
    })),
  })
}
