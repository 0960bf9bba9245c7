/**
 * A whole mesh in this process: several data centres in one Miniflare, which share one set of objects, in front of
 * simulated pools.
 */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { Log, LogLevel, Miniflare, type MiniflareOptions } from 'miniflare'
import { inject } from 'vitest'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { startEngine, type Engine } from '../../tools/local/engine/start-engine.ts'
import type { EngineOptions } from '../../tools/local/engine/options.ts'
import { typicalRttMs } from '../../workers/dev/typical-rtt.ts'
import { aMeshConfig } from './mesh-config.ts'

export const ADMIN_TOKEN = 'test-admin-token-0123456789abcdef'

export interface MeshOptions {
  readonly colos?: readonly string[]
  /** The config, given the URLs of the simulated pools by pool id. */
  readonly config?: (urls: Readonly<Record<string, string>>) => MeshConfig
  readonly engine?: Partial<EngineOptions>
  /** JSON of MESH_DEV_DELAYS; without it nothing is delayed but the pools' round trips. */
  readonly delays?: string
  /** Whether simulated pools are as far away as their regions. */
  readonly distances?: boolean
}

export interface TestMesh {
  /** By pool id. */
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
  stop(): Promise<void>
}

const REGIONS = {
  'eu-central': { latitude: 50.11, longitude: 8.68 },
  'us-east': { latitude: 39.04, longitude: -77.49 },
  'ap-southeast': { latitude: 1.35, longitude: 103.82 },
} as const

export async function startMesh(options: MeshOptions = {}): Promise<TestMesh> {
  const colos = options.colos ?? ['FRA', 'IAD', 'SIN']
  const engines = await startEngines(options)
  const urls = Object.fromEntries(Object.entries(engines).map(([id, { url }]) => [id, url]))
  const config = (options.config ?? aMeshConfig)(urls)
  const logs: string[] = []
  const miniflare = new Miniflare(await miniflareOptions(colos, config, options, logs))
  await miniflare.ready
  const sockets = await Promise.all(
    colos.map(async (colo) => [colo, await miniflare.unsafeGetDirectURL(workerName(colo))] as const),
  )
  const urlOf = new Map(sockets.map(([colo, url]) => [colo, url.href.replace(/\/$/, '')]))

  function url(colo: string): string {
    const found = urlOf.get(colo)
    if (found === undefined) throw new Error(`this mesh has no data centre ${colo}`)
    return found
  }
  return {
    engines,
    url,
    fetch: (colo, where, init) => fetch(`${url(colo)}${where}`, init),
    logs,
    miniflare,
    objectOwner: workerName(colos[0] ?? ''),
    async stop() {
      await miniflare.dispose()
      await Promise.all(Object.values(engines).map((engine) => engine.close()))
    },
  }
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

async function miniflareOptions(
  colos: readonly string[],
  config: MeshConfig,
  options: MeshOptions,
  logs: string[],
): Promise<MiniflareOptions> {
  const workerDir = inject('workerDir')
  const files = (await readdir(workerDir)).filter((file) => /\.(js|toml)$/.test(file))
  const modules = await Promise.all(
    files.map(async (file) => {
      const type = file.endsWith('.js') ? ('esm' as const) : ('text' as const)
      return [file, { type, contents: await readFile(path.join(workerDir, file), 'utf8') }] as const
    }),
  )
  const [first] = colos
  if (first === undefined) throw new Error('a mesh has at least one data centre')
  const owner = workerName(first)
  const text = (value: string) => ({ type: 'text' as const, value })
  const object = (exportName: string) => ({ type: 'durable-object' as const, worker: owner, exportName })

  return {
    cf: false,
    host: '127.0.0.1',
    port: 0,
    log: new Log(LogLevel.NONE),
    unsafeInspectDurableObjects: true,
    handleStructuredLogs: ({ message }: { message: string }) => logs.push(message),
    workers: colos.map((colo) => ({
      config: {
        name: workerName(colo),
        compatibilityDate: '2026-10-28',
        compatibilityFlags: ['enable_request_signal'],
        manifest: { mainModule: 'index.js', modules: Object.fromEntries(modules) },
        env: {
          MESH_MODE: text('dev'),
          MESH_CONFIG: text(JSON.stringify(config)),
          MESH_FINGERPRINT_SECRET: text('test fingerprint secret of 32 bytes or more'),
          MESH_ADMIN_TOKEN: text(ADMIN_TOKEN),
          MESH_DEV_COLO: text(colo),
          ...(options.delays === undefined ? {} : { MESH_DEV_DELAYS: text(options.delays) }),
          ANSWERS: { type: 'kv' as const, id: 'answers' },
          LOG_SHARD: object('LogShard'),
          TENANT_LEDGER: object('TenantLedger'),
        },
        ...(colo === first
          ? {
              exports: {
                LogShard: { type: 'durable-object' as const, storage: 'sqlite' as const },
                TenantLedger: { type: 'durable-object' as const, storage: 'sqlite' as const },
              },
            }
          : {}),
      },
      dev: { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] },
    })),
  } as MiniflareOptions
}

function workerName(colo: string): string {
  return `edge-${colo.toLowerCase()}`
}
