/** A dispatch over three pools that stand where their ids say, with a scripted network. */
import { place } from '../../../shared/residency/place.ts'
import { rankPools } from '../../../shared/routing/rank.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import type { Mesh } from '../../../workers/mesh.ts'
import { dispatch } from '../../../workers/stages/dispatch.ts'
import { createPoolStates, type PoolStates } from '../../../workers/stores/pool-states.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'
import { aRuntime, type TestRuntime } from './a-runtime.ts'

export const POOLS = ['eu-central', 'us-east', 'ap-southeast'] as const
export type PoolId = (typeof POOLS)[number]

export interface DispatchSetUp {
  readonly asked: readonly string[]
  readonly runtime: TestRuntime
  readonly pools: PoolStates
  readonly config: MeshConfig
  readonly dependencies: { readonly mesh: Mesh; readonly runtime: TestRuntime; readonly pools: PoolStates }
}

/** `answer` is what the pool says to one call. */
export function aDispatch(
  answer: (pool: PoolId, signal: AbortSignal) => Response | Promise<Response>,
  limits: Readonly<Record<string, number>> = {},
): DispatchSetUp {
  const config = aMeshConfig(Object.fromEntries(POOLS.map((id) => [id, `http://${id}.test`])), { limits })
  const asked: string[] = []
  const runtime = aRuntime({
    send: async (url, { signal }) => {
      // Hosts are the pools' ids, by the config above.
      const pool = new URL(url).host.replace('.test', '') as PoolId
      asked.push(pool)
      return answer(pool, signal ?? new AbortController().signal)
    },
  })
  const pools = createPoolStates()
  // What a dispatch reads of a mesh, and nothing else of it.
  const mesh = { config, env: {}, poolHosts: new Set(POOLS.map((id) => `${id}.test`)) } as unknown as Mesh
  return { asked, runtime, pools, config, dependencies: { mesh, runtime, pools } }
}

export interface RunOptions {
  readonly signal?: AbortSignal
  readonly key?: string
  readonly withinMs?: number
}

/** Dispatches from Frankfurt, whose own pool is ranked first. */
export function run(setUp: DispatchSetUp, options: RunOptions = {}): ReturnType<typeof dispatch> {
  const { config, runtime, pools, dependencies } = setUp
  const { signal = new AbortController().signal, key = 'demo/k1', withinMs = 60_000 } = options
  const origin = must(config.regions[0])
  const ranking = rankPools({
    placement: placementOf(config),
    version: '1',
    key,
    nowMs: runtime.now(),
    rng: () => 0.5,
    states: pools.seenFrom(origin.id).all,
    acceptsFields: () => true,
    origin,
  })
  const generation = {
    surface: 'chat' as const,
    model: 'story',
    stream: true,
    includeUsage: false,
    body: { messages: [{ role: 'user', content: 'Hi' }] },
    hints: {},
  }
  const endsByMs = runtime.now() + withinMs
  return dispatch(
    { ranking, generation, modelVersion: '1', cacheSalt: 'salt', key, origin, endsByMs, signal },
    dependencies,
  )
}

/** Dispatches in flight, over all pools. */
export function pendingOf({ pools }: DispatchSetUp): number {
  return [...pools.seenFrom('eu-central').all.values()].reduce((sum, { pending }) => sum + pending, 0)
}

function placementOf(config: MeshConfig) {
  const placed = place({
    config,
    tenant: must(config.tenants[0]),
    model: must(config.models[0]),
    arrival: { host: 'edge.test', colo: 'FRA' },
  })
  return must(placed.ok ? placed.value : undefined)
}

export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test expected a value here')
  return value
}
