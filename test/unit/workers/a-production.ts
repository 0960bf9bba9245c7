/** An answer being produced over pools that stand where their ids say, each of which a test has answer as it likes. */
import { place, type Placement } from '../../../shared/residency/place.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { GatewayError } from '../../../shared/errors.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import type { GenerationRequest } from '../../../shared/schema/request.ts'
import type { Mesh } from '../../../workers/mesh.ts'
import type { BegunAnswer } from '../../../workers/outgoing/ask-pool.ts'
import { produce, type Produced } from '../../../workers/stages/produce.ts'
import type { PoolAnswer } from '../../../workers/stream/pool-answer.ts'
import { createPoolStates } from '../../../workers/stores/pool-states.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'
import type { EngineRequest } from '../../support/token-engine.ts'
import { must, POOLS, type PoolId } from './a-dispatch.ts'
import { aRuntime, type TestRuntime } from './a-runtime.ts'
import { NO_MONITOR } from './no-monitor.ts'

export interface ProductionCall {
  readonly pool: PoolId
  readonly body: EngineRequest & Readonly<Record<string, unknown>>
  readonly signal: AbortSignal
  /** How many calls came before it. */
  readonly turn: number
}

export interface ProductionOptions {
  /** Of the config: limits, pools, … */
  readonly config?: Readonly<Record<string, unknown>>
  /** Added to the request's body. */
  readonly body?: Readonly<Record<string, unknown>>
  readonly tokenLimit?: number
  readonly continuation?: 'off' | 'deterministic' | 'always'
  readonly begun?: BegunAnswer
  readonly affinity?: string
  readonly isRemembered?: boolean
  readonly placement?: (config: MeshConfig) => Result<Placement, GatewayError>
  readonly runtime?: TestRuntime
}

export interface Production {
  readonly calls: readonly ProductionCall[]
  /** How often it was said that two pools have died. */
  readonly poisonings: number
  /** Dispatches in flight, over all pools. */
  readonly pending: number
  readonly client: AbortController
  readonly runtime: TestRuntime
  readonly config: MeshConfig
  run(): Promise<Result<Produced, GatewayError>>
}

export function aProduction(
  answer: (call: ProductionCall) => Response | Promise<Response>,
  options: ProductionOptions = {},
): Production {
  const urls = Object.fromEntries(POOLS.map((id) => [id, `http://${id}.test`]))
  const config = aMeshConfig(urls, options.config)
  const calls: ProductionCall[] = []
  // The clock is that of the timers, which a test may have stopped.
  const base = options.runtime ?? aRuntime({ now: () => Date.now() })
  const runtime: TestRuntime = {
    ...base,
    async send(url, { body, signal }) {
      const call = {
        // Hosts are the pools' ids, by the config above.
        pool: new URL(url).host.replace('.test', '') as PoolId,
        // As the adapters serialise it.
        body: JSON.parse(typeof body === 'string' ? body : '{}') as ProductionCall['body'],
        signal: must(signal ?? undefined),
        turn: calls.length,
      }
      calls.push(call)
      return answer(call)
    },
  }
  const pools = createPoolStates(runtime, { retryShare: config.routing.retry_share })
  const models = new Map(config.models.map((model) => [model.id, model]))
  // What producing reads of a mesh, and nothing else of it.
  const mesh = {
    config,
    models,
    env: {},
    poolHosts: new Set(POOLS.map((id) => `${id}.test`)),
  } as unknown as Mesh
  const client = new AbortController()
  let poisonings = 0
  const tenant = must(config.tenants[0])
  const generation: GenerationRequest = {
    surface: 'chat',
    model: 'story',
    stream: true,
    includeUsage: false,
    body: {
      messages: [{ role: 'user', content: 'Hi' }],
      temperature: 0,
      ...(options.tokenLimit === undefined ? {} : { max_tokens: options.tokenLimit }),
      ...options.body,
    },
    hints: {},
    ...(options.tokenLimit === undefined ? {} : { tokenLimit: options.tokenLimit }),
  }
  return {
    calls,
    client,
    runtime,
    config,
    get poisonings() {
      return poisonings
    },
    get pending() {
      return [...pools.seenFrom('eu-central').all.values()].reduce((sum, each) => sum + each.pending, 0)
    },
    run: () =>
      produce(
        {
          placement: () => Promise.resolve(options.placement?.(config) ?? anywhere(config)),
          tenant:
            options.continuation === undefined ? tenant : { ...tenant, continuation: options.continuation },
          generation,
          modelVersion: '1',
          cacheSalt: 'salt',
          key: 'demo/k1',
          origin: must(config.regions[0]),
          isRemembered: options.isRemembered ?? true,
          ...(options.affinity === undefined ? {} : { affinity: options.affinity }),
          name: 'req_1',
          ...(options.begun === undefined ? {} : { begun: options.begun }),
          endsByMs: runtime.now() + 600_000,
          signal: client.signal,
          onPoison: () => {
            poisonings += 1
          },
        },
        { mesh, runtime, pools, monitor: NO_MONITOR },
      ),
  }
}

/** Every pool of the config that serves the model. */
export function anywhere(config: MeshConfig): Result<Placement, GatewayError> {
  const [tenant, model] = [config.tenants[0], config.models[0]]
  if (tenant === undefined || model === undefined) return err({ reason: 'config_unavailable' })
  const placed = place({ config, tenant, model, arrival: { host: 'edge.test', colo: 'FRA' } })
  return placed.ok ? ok(placed.value) : placed
}

/** Reads an answer to its end. */
export async function readToEnd(answer: PoolAnswer) {
  const takenOverBy: string[] = []
  let text = ''
  const finishes: string[] = []
  const counts: (number | undefined)[] = []
  let usage: PoolAnswerUsage
  for (;;) {
    const step = await answer.next()
    if (step.takenOverBy !== undefined) takenOverBy.push(step.takenOverBy.placed.pool.id)
    for (const frame of step.frames) {
      text += frame.text ?? ''
      finishes.push(...frame.finishes.map(({ reason }) => reason))
      counts.push(frame.completionTokens)
    }
    usage = step.usage ?? usage
    if (step.outcome !== undefined) {
      return { text, finishes, counts, usage, takenOverBy, outcome: step.outcome }
    }
  }
}

type PoolAnswerUsage = Awaited<ReturnType<PoolAnswer['next']>>['usage']
