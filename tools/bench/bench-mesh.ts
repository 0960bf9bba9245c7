/** The mesh that is measured: what `npm start` runs, with several data centres, and pools that take the same time for everything. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { formatKey } from '../../shared/schema/api-key.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { PROJECT_DIR } from '../build/wrangler.ts'
import { devConfig } from '../local/dev-config.ts'
import type { DevSecrets } from '../local/dev-secrets.ts'
import { startEngines } from '../local/engines.ts'
import { startMiniflareMesh } from '../local/miniflare-mesh.ts'
import { readConfig } from '../local/read-config.ts'
import { EXPOSE_GC, liveHeapMib } from './isolate-heap.ts'
import { childNamed } from './process-usage.ts'

export interface BenchMeshOptions {
  readonly workerDir: string
  /** Whether objects, KV and pools are as far away as they would be, and commits take their time. */
  readonly isDelayed: boolean
  /** Answers that may be copied to KV: those that come after are read from their shard for ever. */
  readonly promotions: number
  /** Whether heaps are to be looked at. Then times are not, and pools are so slow that there is time to look. */
  readonly isInspected?: boolean
  /** Flags of the simulated engines, in place of what they are told otherwise. */
  readonly engineFlags?: readonly string[]
  /** Gets every line the mesh logs; then it logs every decision. */
  readonly onLog?: (line: string) => void
}

export interface BenchMesh {
  /** Of the edge in a data centre. */
  readonly url: (colo: Colo) => string
  /** The pool in the region of FRA and AMS. */
  readonly nearPool: { readonly url: string; readonly region: string }
  /** Whether a pool is as near to FRA and AMS as any. */
  readonly isNear: (pool: string) => boolean
  /** Of a Worker that only passes on what that pool says. */
  readonly bareUrl: string
  /** May do everything and go anywhere. */
  readonly key: string
  /** Of a tenant that is bound to the jurisdiction of FRA and AMS. */
  readonly restrictedKey: string
  /** The process in which all edges and objects run, on one thread. */
  readonly workerd: number
  /** In MiB, of all objects, and of one edge. @throws where nothing is inspected */
  readonly heapOf: (isolate: 'objects' | Colo) => Promise<number>
  /** How many answers KV has. */
  readonly answersInKv: () => Promise<number>
  /** Ends the shards, as a restart of their machine would: what they know is in their databases. */
  readonly restartShards: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** FRA and AMS are in one region, which is home to what arrives there; the others each in one of their own. */
export type Colo = (typeof COLOS)[number]

export const COLOS = ['FRA', 'AMS', 'IAD', 'SIN'] as const
/** Its Worker owns the objects, and nobody asks it: so no isolate is both an edge and an object. */
const OWNER = 'CDG'
const BARE = 'bare'
/** Where FRA and AMS are, and the pool that is there. */
const NEAR_REGION = 'eu-central'
const NEAR_POOL = 'eu-central'
const TENANT = 'demo'
const RESTRICTED_TENANT = 'eu-bank'

/** Time to first token; the same for every prompt, so that what is added to it can be seen. */
export const PREFILL_MS = 20
/** Fifty tokens a second, as an 8B model on one GPU gives each of a large batch. */
export const TOKEN_MS = 20
const SLOW_TOKEN_MS = 40
/** Nothing waits in a pool's queue. */
const CAPACITY = 512

export async function startBenchMesh(options: BenchMeshOptions): Promise<BenchMesh> {
  // Miniflare takes V8's flags from here alone, when it starts workerd.
  process.env['MINIFLARE_WORKERD_V8_FLAGS'] = options.isInspected === true ? EXPOSE_GC : ''
  const settings = await benchConfig(options)
  const engines = await startEngines(settings, 'simulated', engineFlags(options))
  const stopEngines = (): void => {
    for (const engine of engines) engine.process.kill('SIGTERM')
  }
  const secrets = randomSecrets()
  try {
    const nearUrl = engines.find(({ pool }) => pool.id === NEAR_POOL)?.url ?? ''
    const { url, miniflare, objectOwner } = await startMiniflareMesh({
      workerDir: options.workerDir,
      colos: [OWNER, ...COLOS],
      config: devConfig(settings, secrets, engines),
      secrets,
      ...(options.isDelayed ? { delays: '{}' } : {}),
      moreWorkers: [await bareWorker(nearUrl)],
      isInspected: options.isInspected ?? false,
      ...(options.onLog === undefined ? {} : { onLog: options.onLog }),
    })
    return {
      url,
      nearPool: { url: nearUrl, region: NEAR_REGION },
      isNear: (pool) => pool === NEAR_POOL || !options.isDelayed,
      bareUrl: (await miniflare.unsafeGetDirectURL(BARE)).href,
      key: secrets.apiKeys[TENANT] ?? '',
      restrictedKey: secrets.apiKeys[RESTRICTED_TENANT] ?? '',
      workerd: await childNamed('workerd'),
      heapOf: async (isolate) =>
        liveHeapMib(
          await miniflare.getInspectorURL(),
          isolate === 'objects' ? objectOwner : `edge-${isolate.toLowerCase()}`,
        ),
      async answersInKv() {
        const kv = await miniflare.getKVNamespace('ANSWERS', objectOwner)
        return (await kv.list()).keys.length
      },
      async restartShards() {
        for (const { id } of settings.regions) {
          const name = `log/${id}/0`
          await miniflare
            .unsafeEvictDurableObject(objectOwner, 'LogShard', { name })
            // Not every region's shard has been asked for anything.
            .catch(() => undefined)
        }
      },
      async stop() {
        await miniflare.dispose()
        stopEngines()
      },
    }
  } catch (error) {
    stopEngines()
    throw error
  }
}

function engineFlags({ isDelayed, isInspected, engineFlags: more = [] }: BenchMeshOptions): string[] {
  return [
    ['--prefill-overhead', String(PREFILL_MS)],
    ['--inter-token-latency', String(isInspected === true ? SLOW_TOKEN_MS : TOKEN_MS)],
    isDelayed ? [] : ['--rtt-matrix', '{}'],
    more,
  ].flat()
}

async function bareWorker(pool: string): Promise<object> {
  const contents = await readFile(path.join(import.meta.dirname, 'bare-worker.js'), 'utf8')
  return {
    config: {
      name: BARE,
      compatibilityDate: '2026-10-28',
      manifest: { mainModule: 'index.js', modules: { 'index.js': { type: 'esm', contents } } },
      env: {
        POOL: { type: 'text', value: pool },
        REGION: { type: 'text', value: NEAR_REGION },
        RELAY: { type: 'durable-object', worker: BARE, exportName: 'Relay' },
      },
      exports: { Relay: { type: 'durable-object', storage: 'sqlite' } },
    },
    dev: { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] },
  }
}

/** The config as it is shipped, but for what would make a busy machine look like a lost one. */
async function benchConfig({ promotions, onLog }: BenchMeshOptions): Promise<MeshConfig> {
  const read = await readConfig(path.join(PROJECT_DIR, 'mesh.toml'))
  if (!read.ok) throw new Error(read.error.join('\n'))
  const config = read.value
  return {
    ...config,
    pools: config.pools.map((pool) => ({ ...pool, capacity: CAPACITY })),
    // One shard, so that it is one whose load is measured; locally all are on one thread anyhow.
    log: { ...config.log, open_within_ms: 10_000, shards_per_home: 1, promotions_per_hour: promotions },
    ...(onLog === undefined ? {} : { routing: { ...config.routing, log_share: 1 } }),
  }
}

function randomSecrets(): DevSecrets {
  const secret = (): string => randomBytes(32).toString('hex')
  return {
    adminToken: secret(),
    fingerprintSecret: secret(),
    encryptionSecret: secret(),
    receiptKey: secret(),
    apiKeys: Object.fromEntries(
      [TENANT, RESTRICTED_TENANT].map((tenant) => [tenant, formatKey(tenant, secret().slice(0, 32))]),
    ),
  }
}
