/** Several data centres of one mesh in one Miniflare: each an edge with a socket of its own, and one set of objects for all. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { Log, LogLevel, Miniflare, type MiniflareOptions } from 'miniflare'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import type { DevSecrets } from './dev-secrets.ts'

export interface MiniflareMeshOptions {
  /** Where the local entry was built to. */
  readonly workerDir: string
  /** At least one; the first one's Worker owns the objects. */
  readonly colos: readonly string[]
  readonly config: MeshConfig
  /** Data centres that run another config, as while a new one spreads. */
  readonly configAt?: Readonly<Record<string, MeshConfig>>
  /** Where everything is stored, to look at its bytes; without it, in a place of its own that is deleted. */
  readonly storageDir?: string
  readonly secrets: Omit<DevSecrets, 'apiKeys'>
  /** JSON of MESH_DEV_DELAYS; without it nothing is delayed. */
  readonly delays?: string
  /** Whether every request meets an isolate that knows nothing, as on a platform with thousands of them. */
  readonly freshIsolates?: boolean
  /** Gets every line the Workers log. */
  readonly onLog?: (line: string) => void
  /** Bindings in place of the usual ones, and the Workers that they lead to. */
  readonly bindings?: Readonly<Record<string, object>>
  readonly moreWorkers?: readonly object[]
  /** Whether V8's inspector can look into the isolates; it costs them a little. */
  readonly isInspected?: boolean
}

export interface MiniflareMesh {
  /** Base URL of a data centre's edge. */
  readonly url: (colo: string) => string
  /** For looking into what is stored, and for ending objects as a restart would. */
  readonly miniflare: Miniflare
  /** Name of the Worker that owns the objects. */
  readonly objectOwner: string
  /** Starts every isolate and every object anew, under another config; what is stored stays. URLs change. */
  readonly restart: (config: MeshConfig) => Promise<void>
}

/** Resolves when all of them listen, on 127.0.0.1. To be ended with `miniflare.dispose()`. */
export async function startMiniflareMesh(options: MiniflareMeshOptions): Promise<MiniflareMesh> {
  const [first] = options.colos
  if (first === undefined) throw new Error('a mesh has at least one data centre')
  const miniflare = new Miniflare(await miniflareOptions(options, first))
  await miniflare.ready
  let urls = await urlsOf(miniflare, options.colos)
  return {
    url(colo) {
      const found = urls.get(colo)
      if (found === undefined) throw new Error(`this mesh has no data centre ${colo}`)
      return found.href.replace(/\/$/, '')
    },
    miniflare,
    objectOwner: workerName(first),
    async restart(config) {
      await miniflare.setOptions(await miniflareOptions({ ...options, config }, first))
      urls = await urlsOf(miniflare, options.colos)
    },
  }
}

async function urlsOf(miniflare: Miniflare, colos: readonly string[]): Promise<ReadonlyMap<string, URL>> {
  const sockets = colos.map(
    async (colo) => [colo, await miniflare.unsafeGetDirectURL(workerName(colo))] as const,
  )
  return new Map(await Promise.all(sockets))
}

async function miniflareOptions(options: MiniflareMeshOptions, first: string): Promise<MiniflareOptions> {
  const { colos, config, configAt = {}, secrets, delays, onLog, bindings = {}, moreWorkers = [] } = options
  const modules = await modulesIn(options.workerDir)
  const owner = workerName(first)
  const text = (value: string) => ({ type: 'text' as const, value })
  const object = (exportName: string) => ({ type: 'durable-object' as const, worker: owner, exportName })
  const stored = { type: 'durable-object' as const, storage: 'sqlite' as const }
  const objects = {
    LogShard: stored,
    TenantLedger: stored,
    RegionMonitor: stored,
    PoolMonitor: stored,
    ReceiptShelf: stored,
    AuditLog: stored,
    ConfigStore: stored,
  }

  return {
    cf: false,
    host: '127.0.0.1',
    port: 0,
    log: new Log(LogLevel.NONE),
    unsafeInspectDurableObjects: true,
    ...(options.storageDir === undefined ? {} : { resourcePersistencePath: options.storageDir }),
    ...(options.isInspected === true ? { inspectorPort: 0 } : {}),
    handleStructuredLogs: ({ message }: { message: string }) => onLog?.(message),
    workers: [
      ...colos.map((colo) => ({
        config: {
          name: workerName(colo),
          compatibilityDate: '2026-10-28',
          compatibilityFlags: ['enable_request_signal'],
          manifest: { mainModule: 'index.js', modules },
          env: {
            MESH_MODE: text('dev'),
            MESH_CONFIG: text(JSON.stringify(configAt[colo] ?? config)),
            MESH_FINGERPRINT_SECRET: text(secrets.fingerprintSecret),
            MESH_ENCRYPTION_SECRET: text(secrets.encryptionSecret),
            MESH_ADMIN_TOKEN: text(secrets.adminToken),
            MESH_RECEIPT_KEY: text(secrets.receiptKey),
            MESH_DEV_COLO: text(colo),
            ...(delays === undefined ? {} : { MESH_DEV_DELAYS: text(delays) }),
            ...(options.freshIsolates === true ? { MESH_DEV_FRESH_ISOLATES: text('1') } : {}),
            ANSWERS: { type: 'kv' as const, id: 'answers' },
            LOG_SHARD: object('LogShard'),
            TENANT_LEDGER: object('TenantLedger'),
            REGION_MONITOR: object('RegionMonitor'),
            POOL_MONITOR: object('PoolMonitor'),
            RECEIPT_SHELF: object('ReceiptShelf'),
            AUDIT_LOG: object('AuditLog'),
            CONFIG_STORE: object('ConfigStore'),
            ...bindings,
          },
          ...(colo === first ? { exports: objects } : {}),
        },
        dev: { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] },
      })),
      ...moreWorkers,
    ],
    // Miniflare's types do not know this form of its options yet.
  } as MiniflareOptions
}

async function modulesIn(workerDir: string) {
  const files = (await readdir(workerDir)).filter((file) => /\.(js|toml)$/.test(file))
  const modules = files.map(async (file) => {
    const type = file.endsWith('.js') ? ('esm' as const) : ('text' as const)
    return [file, { type, contents: await readFile(path.join(workerDir, file), 'utf8') }] as const
  })
  return Object.fromEntries(await Promise.all(modules))
}

function workerName(colo: string): string {
  return `edge-${colo.toLowerCase()}`
}
