/** What an isolate in one region knows, in a world that stands still until a test moves it, and what may happen to it. */
import type { Observation } from '../../../../shared/pool/observation.ts'
import { UNMEASURED } from '../../../../shared/pool/pool-measures.ts'
import type { RegionSnapshot, SharedPool } from '../../../../shared/pool/region-snapshot.ts'
import type { Dispatch, DispatchEnd } from '../../../../shared/pool/snapshot.ts'
import { createPoolMemory, type PoolMemory } from '../../../../workers/stores/pool-memory.ts'
import { createPoolStates, type RegionView } from '../../../../workers/stores/pool-states.ts'

/** Of each dispatch. */
export const TOKENS = 40

interface World {
  nowMs: number
  /** What the next random number is. */
  random: number
  randomHex: string
}

export function aWorld(changes: Partial<World> & { retryShare?: number; memory?: PoolMemory } = {}) {
  const { retryShare = 0.2, memory = createPoolMemory(), ...rest } = changes
  const world: World = { nowMs: 1_000_000, random: 0.5, randomHex: 'ab', ...rest }
  const states = createPoolStates(
    {
      now: () => world.nowMs,
      random: () => world.random,
      randomHex: (count) => world.randomHex.repeat(count),
    },
    { retryShare, memory },
  )
  return { world, states, view: states.seenFrom('eu') }
}

export function sent(atMs: number, key = 'demo/k1'): Dispatch {
  return { key, atMs, uncachedTokens: TOKENS }
}

export function over(atMs: number): DispatchEnd {
  return { ...sent(atMs), sawFirstToken: true }
}

export function served(
  pool: string,
  askedAtMs: number,
  changes: { promptTokens?: number } = {},
): Observation {
  return {
    kind: 'served',
    pool,
    askedAtMs,
    atMs: askedAtMs + 20,
    model: 'story',
    promptBytes: 4000,
    ttftMs: 10,
    decodeMs: 10,
    ...changes,
  }
}

export function firstToken(pool: string, askedAtMs: number, ttftMs = 10): Observation {
  return {
    kind: 'first_token',
    pool,
    askedAtMs,
    atMs: askedAtMs + ttftMs,
    key: 'demo/k1',
    ttftMs,
    queueMs: 0,
    uncachedTokens: 0,
    predictedMs: ttftMs,
  }
}

export function shared(changes: Partial<SharedPool> = {}): SharedPool {
  return { measures: UNMEASURED, inFlight: 0, tokensPerSecond: 0, isDrained: false, ...changes }
}

export function snapshot(atMs: number, changes: Partial<RegionSnapshot> = {}): RegionSnapshot {
  return { region: 'eu', atMs, pools: { p: shared() }, tokenRatios: {}, ...changes }
}

/** A whole dispatch, which tells twice of itself. */
export function use(view: RegionView, pool: string, atMs: number): void {
  view.dispatched(pool, sent(atMs))
  view.observed(firstToken(pool, atMs), { ...sent(atMs), sawFirstToken: false })
  view.observed(served(pool, atMs), over(atMs))
}
