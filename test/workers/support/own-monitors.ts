/** Monitors with a config and a clock of their own, inside a real object: their storage and their alarms are the runtime's. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { vi } from 'vitest'
import type { Environment } from '../../../workers/environment.ts'
import { startMesh } from '../../../workers/mesh.ts'
import { poolMonitorClass } from '../../../workers/objects/pool-monitor.ts'
import { regionMonitorClass } from '../../../workers/objects/region-monitor.ts'
import { productionRuntime, type Runtime } from '../../../workers/runtime.ts'

export interface OwnMonitor<M> {
  /** The latest instance; a restart makes another. */
  readonly monitor: M
  readonly state: DurableObjectState
  readonly clock: { nowMs: number }
  /** What it has written to the log. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  /** As after a crash: nothing is left but what is stored. */
  restart(): void
}

export interface OwnMonitorOptions {
  /** Of the config. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly environment?: Partial<Environment>
  readonly runtime?: Partial<Runtime>
}

/** How the names of servers end that only a test's own monitors ask. */
const OWN_POOLS = '.own.test'

type PoolMonitor = InstanceType<ReturnType<typeof poolMonitorClass>>
type RegionMonitor = InstanceType<ReturnType<typeof regionMonitorClass>>

export function inOwnPoolMonitor<T>(
  options: OwnMonitorOptions,
  part: (own: OwnMonitor<PoolMonitor>) => Promise<T>,
): Promise<T> {
  const stub = env.POOL_MONITOR.getByName(`test/${crypto.randomUUID()}`)
  return runInDurableObject(stub, (_instance, state) =>
    part(
      inObject(
        options,
        state,
        (runtime, own) => new (poolMonitorClass(startMesh(own, ''), runtime))(state, own),
      ),
    ),
  )
}

export function inOwnRegionMonitor<T>(
  options: OwnMonitorOptions,
  part: (own: OwnMonitor<RegionMonitor>) => Promise<T>,
): Promise<T> {
  const stub = env.REGION_MONITOR.getByName(`test/${crypto.randomUUID()}`)
  return runInDurableObject(stub, (_instance, state) =>
    part(
      inObject(
        options,
        state,
        (runtime, own) => new (regionMonitorClass(startMesh(own, ''), runtime))(state, own),
      ),
    ),
  )
}

function inObject<M>(
  { config, environment, runtime: changes }: OwnMonitorOptions,
  state: DurableObjectState,
  create: (runtime: Runtime, own: Environment) => M,
): OwnMonitor<M> {
  // The whole config, as bound in vitest.config.ts, with pools that no other object asks.
  const text = (env.MESH_CONFIG ?? '{}').replaceAll('.pool.test', OWN_POOLS)
  const bound = JSON.parse(text) as Record<string, unknown>
  const own: Environment = { ...env, MESH_CONFIG: JSON.stringify({ ...bound, ...config }), ...environment }
  // An hour ahead, so that no alarm comes by itself.
  const clock = { nowMs: Date.now() + 3_600_000 }
  const lines: Readonly<Record<string, unknown>>[] = []
  const runtime: Runtime = {
    ...productionRuntime,
    now: () => clock.nowMs,
    random: () => 0.5,
    log: (line) => void lines.push(line),
    ...changes,
  }
  let monitor = create(runtime, own)
  return {
    get monitor() {
      return monitor
    },
    state,
    clock,
    lines,
    restart() {
      monitor = create(runtime, own)
    },
  }
}

/** What a pool does when it is asked something without a body. */
export type GetAnswer = (url: URL, signal: AbortSignal) => Response | Promise<Response>

/**
 * Stands in for the servers of pools, by the end of their names; the list fills with the addresses that were asked for. Other
 * objects that still run may ask other pools meanwhile, which fail.
 */
export function answerGets(answer: GetAnswer, servers = OWN_POOLS): string[] {
  const asked: string[] = []
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (init?.method !== 'GET' || !(init.signal instanceof AbortSignal)) throw new TypeError('not a GET')
    if (!url.hostname.endsWith(servers)) return new Response('', { status: 500 })
    asked.push(url.href)
    return answer(url, init.signal)
  })
  return asked
}

/** Never answers; ends when it is left. */
export function hanging(_url: URL, signal: AbortSignal): Promise<Response> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('left')), { once: true })
  })
}
