/** A dispatch over three pools that stand where their ids say, with a scripted network. */
import { promptOf, type Prompt } from '../../../shared/affinity/prompt.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import type { Mesh } from '../../../workers/mesh.ts'
import { dispatch } from '../../../workers/stages/dispatch.ts'
import type { BegunAnswer } from '../../../workers/outgoing/ask-pool.ts'
import { createPoolStates, type PoolStates, type RegionView } from '../../../workers/stores/pool-states.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'
import { aRanking } from './a-ranking.ts'
import { aRuntime, type TestRuntime } from './a-runtime.ts'
import type { MonitorLink } from '../../../workers/stores/monitor-link.ts'
import { must } from './must.ts'
import { NO_MONITOR } from './no-monitor.ts'

export { must }

export const POOLS = ['eu-central', 'us-east', 'ap-southeast'] as const
export type PoolId = (typeof POOLS)[number]

export interface DispatchSetUp {
  readonly asked: readonly string[]
  readonly runtime: TestRuntime
  readonly pools: PoolStates
  /** What is known of the pools in Frankfurt. */
  readonly view: RegionView
  readonly config: MeshConfig
  readonly dependencies: {
    readonly mesh: Mesh
    readonly runtime: TestRuntime
    readonly pools: PoolStates
    readonly monitor: MonitorLink
  }
}

/** `answer` is what the pool says to one call. */
export function aDispatch(
  answer: (pool: PoolId, signal: AbortSignal) => Response | Promise<Response>,
  limits: Readonly<Record<string, number>> = {},
  routing: Readonly<Record<string, number>> = {},
): DispatchSetUp {
  const urls = Object.fromEntries(POOLS.map((id) => [id, `http://${id}.test`]))
  const config = aMeshConfig(urls, { limits, routing })
  const asked: string[] = []
  const runtime = aRuntime({
    send: async (url, { signal }) => {
      // Hosts are the pools' ids, by the config above.
      const pool = new URL(url).host.replace('.test', '') as PoolId
      asked.push(pool)
      return answer(pool, signal ?? new AbortController().signal)
    },
  })
  const pools = createPoolStates(runtime, { retryShare: config.routing.retry_share })
  const view = pools.seenFrom('eu-central')
  // What a dispatch reads of a mesh, and nothing else of it.
  const mesh = { config, env: {}, poolHosts: new Set(POOLS.map((id) => `${id}.test`)) } as unknown as Mesh
  return { asked, runtime, pools, view, config, dependencies: { mesh, runtime, pools, monitor: NO_MONITOR } }
}

export interface RunOptions {
  readonly signal?: AbortSignal
  readonly key?: string
  readonly withinMs?: number
  readonly begun?: BegunAnswer
}

export function aPrompt(text = 'Hi', changes: { isRemembered?: boolean } = {}): Prompt {
  return promptOf({
    surface: 'chat',
    body: { messages: [{ role: 'user', content: text }] },
    model: 'story',
    modelVersion: '1',
    secret: 'salt',
    isRemembered: true,
    ...changes,
  })
}

/** Dispatches from Frankfurt, whose own pool is ranked first. */
export function run(setUp: DispatchSetUp, options: RunOptions = {}): ReturnType<typeof dispatch> {
  const { config, runtime, view, dependencies } = setUp
  const { signal = new AbortController().signal, key = 'demo/k1', withinMs = 60_000, begun } = options
  const nowMs = runtime.now()
  const ranking = aRanking(config, { key, nowMs, states: view.all })
  const generation = {
    surface: 'chat' as const,
    model: 'story',
    stream: true,
    includeUsage: false,
    body: { messages: [{ role: 'user', content: 'Hi' }] },
    hints: {},
  }
  const job = {
    ranking,
    generation,
    modelVersion: '1',
    cacheSalt: 'salt',
    key,
    origin: must(config.regions[0]),
    prompt: aPrompt(),
    view,
    endsByMs: nowMs + withinMs,
    signal,
    mayAsk: () => Promise.resolve(true),
  }
  return dispatch(begun === undefined ? job : { ...job, begun }, dependencies)
}

/** Dispatches in flight, over all pools. */
export function pendingOf({ view }: Pick<DispatchSetUp, 'view'>): number {
  return [...view.all.values()].reduce((sum, { pending }) => sum + pending, 0)
}
