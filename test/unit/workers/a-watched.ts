/** Dispatches to pools of one dialect, each of which a test ends as it likes. */
import type { Prompt } from '../../../shared/affinity/prompt.ts'
import type { Observation } from '../../../shared/pool/observation.ts'
import type { PoolState } from '../../../shared/pool/snapshot.ts'
import { ttftMs, type EstimateParts } from '../../../shared/routing/estimate.ts'
import type { Dialect } from '../../../shared/schema/mesh.ts'
import type { PoolFailure } from '../../../workers/outgoing/pool-failure.ts'
import { watchDispatch, type DispatchWatch } from '../../../workers/stages/watch-dispatch.ts'
import { createPoolStates, type RegionView } from '../../../workers/stores/pool-states.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'
import { aPrompt, POOLS, type PoolId } from './a-dispatch.ts'
import { aRanking } from './a-ranking.ts'
import { aRuntime, type TestRuntime } from './a-runtime.ts'
import { must } from './must.ts'

/** Of an estimate: 150 ms without a queue. */
const PARTS: EstimateParts = {
  promptTokens: 1000,
  warmTokens: 0,
  rttMs: 20,
  interceptMs: 30,
  queueMs: 0,
  msPerToken: 0.1,
  guardMs: 0,
  priceMs: 0,
  load: 0,
  noiseMs: 10,
  optimisticMs: 150,
}

/** Every way in which a pool may not begin. */
export const REFUSALS: readonly PoolFailure[] = [
  { kind: 'fault', fault: 'unreachable' },
  { kind: 'fault', fault: 'timeout' },
  { kind: 'fault', fault: 'redirect' },
  { kind: 'fault', fault: 'server_error', died: true },
  { kind: 'saturated', status: 429, retryAfterMs: 2000 },
  { kind: 'saturated', status: 503 },
  { kind: 'final', error: { reason: 'pool_rejected_request' } },
  { kind: 'cancelled' },
]

export interface WatchOptions {
  readonly pool?: PoolId
  readonly key?: string
  readonly prompt?: Prompt
  readonly parts?: Partial<EstimateParts>
}

export interface Watched {
  readonly runtime: TestRuntime
  readonly view: RegionView
  readonly state: (pool?: PoolId) => PoolState
  /** What was observed since it was asked last. */
  readonly seen: () => readonly Observation[]
  readonly watch: (options?: WatchOptions) => DispatchWatch
}

/** Nothing is known of the pools. */
export function aWatched(dialect: Dialect = 'vllm'): Watched {
  const pools = POOLS.map((id) => ({
    id,
    region: id,
    dialect,
    url: `http://${id}.test/v1`,
    shared_prefix: true,
    models: [{ model: 'story', served: 'story-8b' }],
  }))
  const { ranked } = aRanking(aMeshConfig({}, { pools }))
  const runtime = aRuntime()
  const view = createPoolStates(runtime, { retryShare: 0.2 }).seenFrom('eu-central')
  return {
    runtime,
    view,
    state: (pool: PoolId = 'eu-central') => must(view.all.get(pool)),
    seen: (): readonly Observation[] => view.takeReport().observations,
    watch: ({ pool = 'eu-central', key = 'demo/k1', prompt = aPrompt(), parts } = {}) => {
      const candidate = must(ranked.find(({ placed }) => placed.pool.id === pool))
      const expected = { ...PARTS, ...parts }
      return watchDispatch({
        candidate: { ...candidate, parts: expected, estimateMs: ttftMs(expected) },
        prompt,
        key,
        view,
        runtime,
      })
    },
  }
}
