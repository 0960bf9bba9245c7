/**
 * What this isolate knows of the pools: what it has measured, what it has under way, which prompts' beginnings it has sent
 * where, and what its region's monitor told. It is kept per region it was seen from, because the same pool is near from one
 * and far from another (one isolate sees several only locally), and apart for embeddings, which have no first token.
 */
import type { HotAnchors } from '../../shared/affinity/hot-anchors.ts'
import type { Warmth } from '../../shared/affinity/warmth.ts'
import type { Observation } from '../../shared/pool/observation.ts'
import {
  MAX_OBSERVATIONS,
  type ObserverReport,
  type RegionSnapshot,
} from '../../shared/pool/region-snapshot.ts'
import {
  deposit,
  EMPTY_BUDGET,
  mayRetry,
  withdraw,
  type RetryBudget,
} from '../../shared/pool/retry-budget.ts'
import {
  UNKNOWN_POOL,
  onDispatch,
  onLeft,
  onObservation,
  onShared,
  type Dispatch,
  type DispatchEnd,
  type PoolState,
} from '../../shared/pool/snapshot.ts'
import { mergeRatios, observeRatio, type TokenRatio } from '../../shared/pool/token-ratio.ts'
import type { LookCredit } from '../../shared/routing/look.ts'
import type { Runtime } from '../runtime.ts'
import { createPoolMemory, type PoolMemory, type RegionMemory } from './pool-memory.ts'

export interface PoolStates {
  seenFrom(region: string): RegionView
  /** What is known from embeddings requests: how long they take says nothing of a first token. */
  embeddingsFrom(region: string): RegionView
}

export interface RegionView {
  readonly region: string
  /** By pool id; a pool nobody has used from here is not in it. */
  readonly all: ReadonlyMap<string, PoolState>
  readonly warmth: Warmth
  readonly hotAnchors: HotAnchors
  /** What looking at other pools may still cost. */
  looks: LookCredit
  /** Undefined while nothing is known of a model's tokens. */
  tokenRatio(model: string): TokenRatio | undefined
  dispatched(pool: string, dispatch: Dispatch): void
  observed(observation: Observation, end: DispatchEnd): void
  left(pool: string, end: DispatchEnd): void
  /** Counts a request, which earns the mesh a share of a retry. */
  requested(): void
  /** Takes a retry from what was earned; false where there is none. */
  takeRetry(): boolean

  /** It has neither taken a snapshot nor seen anything itself. */
  readonly isFresh: boolean
  /** When the newest snapshot was put together; undefined while there is none. */
  readonly snapshotAtMs: number | undefined
  hasNews(): boolean
  /** What the region's monitor has not been told yet; then it counts as told. */
  takeReport(): ObserverReport
  /** The report did not arrive. */
  giveBack(report: ObserverReport): void
  /** What is older than what is known already is left out. */
  accept(snapshot: RegionSnapshot): void
}

type World = Pick<Runtime, 'now' | 'random' | 'randomHex'>

export interface PoolStatesOptions {
  /** Of a retry, that each request earns. */
  readonly retryShare: number
  /** What the isolate has learned; without it, nothing yet. */
  readonly memory?: PoolMemory
}

export function createPoolStates(world: World, options: PoolStatesOptions): PoolStates {
  const { retryShare, memory = createPoolMemory() } = options
  const views = new Map<string, RegionView>()
  const embeddingViews = new Map<string, RegionView>()
  function viewIn(known: Map<string, RegionView>, region: string, learned: RegionMemory): RegionView {
    const view = known.get(region) ?? createView(region, world, { retryShare, memory: learned })
    known.set(region, view)
    return view
  }
  return {
    seenFrom: (region) => viewIn(views, region, memory.seenFrom(region)),
    embeddingsFrom: (region) => viewIn(embeddingViews, region, memory.embeddingsFrom(region)),
  }
}

interface ViewOptions {
  readonly retryShare: number
  readonly memory: RegionMemory
}

function createView(region: string, world: World, { retryShare, memory }: ViewOptions): RegionView {
  /** What is under way, by pool id. What was learned stands in the memory, which others write, too. */
  const own = new Map<string, PoolState>()
  const { pools, tokenRatios, warmth, hotAnchors } = memory
  const observer = world.randomHex(8)
  let observations: Observation[] = []
  let sentTokens: Record<string, number> = {}
  let budget: RetryBudget = EMPTY_BUDGET
  /** The monitor believes that something is under way: that it is not any more is news, too. */
  let toldInFlight = false

  function hasInFlight(): boolean {
    return [...own.values()].some(({ pending }) => pending > 0)
  }

  function stateOf(pool: string): PoolState {
    return { ...(own.get(pool) ?? UNKNOWN_POOL), ...pools.get(pool) }
  }

  function update(pool: string, change: (state: PoolState) => PoolState): void {
    const state = change(stateOf(pool))
    const { measures, shared } = state
    own.set(pool, state)
    pools.set(pool, shared === undefined ? { measures } : { measures, shared })
  }

  return {
    region,
    get all() {
      return new Map([...pools.keys()].map((pool) => [pool, stateOf(pool)]))
    },
    warmth,
    hotAnchors,
    // Where thousands of isolates serve a request or two each, chance makes their looks the same share of all.
    looks: { looks: world.random(), blindLooks: world.random() },
    tokenRatio: (model) => tokenRatios.get(model),
    dispatched(pool, dispatch) {
      sentTokens[pool] = (sentTokens[pool] ?? 0) + dispatch.uncachedTokens
      update(pool, (state) => onDispatch(state, dispatch))
    },
    observed(observation, end) {
      observations.push(observation)
      if (observations.length > MAX_OBSERVATIONS) observations = observations.slice(-MAX_OBSERVATIONS)
      update(observation.pool, (state) => onObservation(state, observation, end))
      if (observation.kind === 'served' && observation.promptTokens !== undefined) {
        const { model, promptBytes, promptTokens } = observation
        tokenRatios.set(model, observeRatio(tokenRatios.get(model), promptBytes, promptTokens))
      }
    },
    left: (pool, end) => update(pool, (state) => onLeft(state, end, world.now())),
    requested() {
      budget = deposit(budget, retryShare, world.now())
    },
    takeRetry() {
      const nowMs = world.now()
      if (!mayRetry(budget, nowMs)) return false
      budget = withdraw(budget, nowMs)
      return true
    },

    get isFresh() {
      return pools.size === 0 && memory.snapshotAtMs === undefined
    },
    get snapshotAtMs() {
      return memory.snapshotAtMs
    },
    hasNews: () =>
      observations.length > 0 || Object.keys(sentTokens).length > 0 || toldInFlight || hasInFlight(),
    takeReport() {
      const inFlight = Object.fromEntries(
        [...own].flatMap(([pool, { pending }]) => (pending === 0 ? [] : [[pool, pending] as const])),
      )
      const report = { observer, observations, inFlight, sentTokens }
      toldInFlight = Object.keys(inFlight).length > 0
      observations = []
      sentTokens = {}
      return report
    },
    giveBack(report) {
      observations = [...report.observations, ...observations].slice(-MAX_OBSERVATIONS)
      toldInFlight = true
      for (const [pool, tokens] of Object.entries(report.sentTokens)) {
        sentTokens[pool] = (sentTokens[pool] ?? 0) + tokens
      }
    },
    accept(snapshot) {
      if (snapshot.atMs <= (memory.snapshotAtMs ?? -Infinity)) return
      for (const [pool, shared] of Object.entries(snapshot.pools)) {
        update(pool, (state) => onShared(state, shared, snapshot.atMs, world.now()))
      }
      for (const [model, ratio] of Object.entries(snapshot.tokenRatios)) {
        const own = tokenRatios.get(model)
        tokenRatios.set(model, own === undefined ? ratio : mergeRatios(own, ratio))
      }
      // Last: one that could not be read has not been heard.
      memory.snapshotAtMs = snapshot.atMs
    },
  }
}
