/** The mesh of the demo: three data centres in one process, three pools as processes, and everything else in one folder. */
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { formatKey } from '../../shared/schema/api-key.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { buildLocalEntry } from '../build/local-entry.ts'
import { PROJECT_DIR } from '../build/wrangler.ts'
import { devConfig } from '../local/dev-config.ts'
import type { DevSecrets } from '../local/dev-secrets.ts'
import { startMiniflareMesh } from '../local/miniflare-mesh.ts'
import { readConfig } from '../local/read-config.ts'
import { startDemoPools, type DemoPool } from './demo-pools.ts'

export type Colo = 'FRA' | 'IAD' | 'SIN'
export type TenantId = 'demo' | 'eu-bank'

export interface DemoMesh {
  /** Of a data centre's edge, with /v1. */
  readonly url: (colo: Colo) => string
  readonly keyOf: (tenant: TenantId) => string
  /** @throws where there is none of this id */
  readonly pool: (id: string) => DemoPool
  readonly pools: readonly DemoPool[]
  /** Every line that the Workers have logged. */
  readonly logs: readonly string[]
  /** KV, and the databases of all objects. */
  readonly storageDir: string
  /** Puts a text into the KV that the mesh uses. */
  readonly plant: (name: string, text: string) => Promise<void>
}

const COLOS: readonly Colo[] = ['FRA', 'IAD', 'SIN']

/** Whatever has begun is ended by what is given to `onStop`, also where the rest could not start. */
export async function startDemoMesh(
  dir: string,
  onStop: (stop: () => Promise<void>) => void,
): Promise<DemoMesh> {
  const read = await readConfig(path.join(PROJECT_DIR, 'mesh.toml'))
  if (!read.ok) throw new Error(['mesh.toml has mistakes:', ...read.error].join('\n  '))
  // A loaded machine may be slow to open a log; that must not look like a lost one.
  const config: MeshConfig = { ...read.value, log: { ...read.value.log, open_within_ms: 10_000 } }
  const entry = await buildLocalEntry()
  const pools = await startDemoPools(config)
  onStop(async () => {
    await Promise.all(pools.map((pool) => pool.stop()))
  })
  const secrets = randomSecrets(config)
  const logs: string[] = []
  const storageDir = path.join(dir, 'storage')
  const mesh = await startMiniflareMesh({
    workerDir: entry.dir,
    colos: COLOS,
    config: devConfig(
      config,
      secrets,
      pools.map(({ running }) => running),
    ),
    secrets,
    storageDir,
    onLog: (line) => logs.push(line),
  })
  onStop(() => mesh.miniflare.dispose())
  return {
    url: (colo) => `${mesh.url(colo)}/v1`,
    keyOf: (tenant) => secrets.apiKeys[tenant] ?? '',
    pool(id) {
      const found = pools.find((pool) => pool.id === id)
      if (found === undefined) throw new Error(`there is no pool "${id}"`)
      return found
    },
    pools,
    logs,
    storageDir,
    async plant(name, text) {
      const kv = await mesh.miniflare.getKVNamespace('ANSWERS', mesh.objectOwner)
      await kv.put(name, text)
    },
  }
}

function randomSecrets({ tenants }: MeshConfig): DevSecrets {
  const secret = (): string => randomBytes(32).toString('hex')
  return {
    adminToken: secret(),
    fingerprintSecret: secret(),
    encryptionSecret: secret(),
    receiptKey: secret(),
    apiKeys: Object.fromEntries(tenants.map(({ id }) => [id, formatKey(id, secret().slice(0, 32))])),
  }
}
