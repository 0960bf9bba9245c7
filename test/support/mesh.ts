/**
 * A whole mesh in this process: several data centres in one Miniflare, which share one set of objects, in front of
 * simulated pools.
 */
import type { Miniflare } from 'miniflare'
import { inject } from 'vitest'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { startEngine, type Engine } from '../../tools/local/engine/start-engine.ts'
import type { EngineOptions } from '../../tools/local/engine/options.ts'
import { startMiniflareMesh } from '../../tools/local/miniflare-mesh.ts'
import { typicalRttMs } from '../../workers/dev/typical-rtt.ts'
import { standInsFor, type BrokenParts } from './broken-parts.ts'
import { aMeshConfig } from './mesh-config.ts'
import { doorsTo, type PrivateNetwork } from './private-network.ts'
import { RESTARTER } from './restart.ts'

export const ADMIN_TOKEN = 'test-admin-token-0123456789abcdef'
export const RECEIPT_SEED = 'a3'.repeat(32)
export const FINGERPRINT_SECRET = 'test fingerprint secret of 32 bytes or more'
export const SECRETS = {
  adminToken: ADMIN_TOKEN,
  fingerprintSecret: FINGERPRINT_SECRET,
  encryptionSecret: 'test encryption secret of 32 bytes or more',
  receiptKey: RECEIPT_SEED,
}

export interface MeshOptions extends BrokenParts {
  readonly colos?: readonly string[]
  /** The config, given the URLs of the simulated pools by pool id. */
  readonly config?: (urls: Readonly<Record<string, string>>) => MeshConfig
  /** Likewise, the configs of data centres that run another. */
  readonly configAt?: (urls: Readonly<Record<string, string>>) => Readonly<Record<string, MeshConfig>>
  /** Where everything is stored, to look at its bytes. */
  readonly storageDir?: string
  /** Workers beside those of the mesh. */
  readonly moreWorkers?: readonly object[]
  readonly engine?: Partial<EngineOptions>
  /** URLs of pools that are there already, by pool id; then none is simulated. */
  readonly pools?: Readonly<Record<string, string>>
  /** JSON of MESH_DEV_DELAYS; without it nothing is delayed but the pools' round trips. */
  readonly delays?: string
  /** Whether every request meets an isolate that knows nothing. */
  readonly freshIsolates?: boolean
  /** Whether simulated pools are as far away as their regions. */
  readonly distances?: boolean
  /** Bindings that lead to pools, given the URLs of the simulated ones by pool id. */
  readonly network?: (urls: Readonly<Record<string, string>>) => PrivateNetwork
  /** Secrets that the config names. */
  readonly poolSecrets?: Readonly<Record<string, string>>
}

export interface TestMesh {
  /** The simulated pools, by pool id. */
  readonly engines: Readonly<Record<string, Engine>>
  /** Base URL of a data centre's edge, on a socket of its own. */
  url(colo: string): string
  /** Sends a request to the edge in a data centre. */
  fetch(colo: string, path: string, init?: RequestInit): Promise<Response>
  /** Every line the Workers have logged. */
  readonly logs: readonly string[]
  /** For looking into what is stored, and for ending objects as a restart would. */
  readonly miniflare: Miniflare
  /** Name of the Worker that owns the objects. */
  readonly objectOwner: string
  /** Starts every isolate and every object anew, under another config; what is stored stays. */
  restart(config: (urls: Readonly<Record<string, string>>) => MeshConfig): Promise<void>
  stop(): Promise<void>
}

const REGIONS = {
  'eu-central': { latitude: 50.11, longitude: 8.68 },
  'us-east': { latitude: 39.04, longitude: -77.49 },
  'ap-southeast': { latitude: 1.35, longitude: 103.82 },
} as const

export async function startMesh(options: MeshOptions = {}): Promise<TestMesh> {
  const colos = options.colos ?? ['FRA', 'IAD', 'SIN']
  const engines = options.pools === undefined ? await startEngines(options) : {}
  const urls = options.pools ?? Object.fromEntries(Object.entries(engines).map(([id, { url }]) => [id, url]))
  const config = (options.config ?? aMeshConfig)(urls)
  const logs: string[] = []
  const standIns = standInsFor(options)
  const doors = doorsTo(options.network?.(urls) ?? {})
  const { url, miniflare, objectOwner, restart } = await startMiniflareMesh({
    workerDir: inject('workerDir'),
    colos,
    config,
    ...(options.configAt === undefined ? {} : { configAt: options.configAt(urls) }),
    ...(options.storageDir === undefined ? {} : { storageDir: options.storageDir }),
    secrets: SECRETS,
    ...(options.delays === undefined ? {} : { delays: options.delays }),
    ...(options.freshIsolates === undefined ? {} : { freshIsolates: options.freshIsolates }),
    onLog: (line) => logs.push(line),
    bindings: { ...textBindings(options.poolSecrets), ...standIns.bindings, ...doors.bindings },
    moreWorkers: [RESTARTER, ...standIns.workers, ...doors.workers, ...(options.moreWorkers ?? [])],
  })
  return {
    engines,
    url,
    fetch: (colo, where, init) => fetch(`${url(colo)}${where}`, init),
    logs,
    miniflare,
    objectOwner,
    restart: (next) => restart(next(urls)),
    async stop() {
      await miniflare.dispose()
      await Promise.all(Object.values(engines).map((engine) => engine.close()))
    },
  }
}

function textBindings(texts: Readonly<Record<string, string>> = {}): Record<string, object> {
  return Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, { type: 'text', value }]))
}

async function startEngines(options: MeshOptions): Promise<Record<string, Engine>> {
  const rttMatrix = Object.fromEntries(
    Object.entries(REGIONS).map(([from, place]) => [
      from,
      Object.fromEntries(Object.entries(REGIONS).map(([to, other]) => [to, typicalRttMs(place, other)])),
    ]),
  )
  const started = Object.keys(REGIONS).map(async (region) => {
    const far = options.distances === false ? {} : { rttMatrix }
    const engine = await startEngine({
      port: 0,
      servedModelNames: ['story-8b'],
      region,
      ...far,
      ...options.engine,
    })
    return [region, engine] as const
  })
  return Object.fromEntries(await Promise.all(started))
}
