/**
 * What `npm run serve` starts, on loopback: its bundle, its config of workerd, its KV. Only its way to pools is another: a node
 * refuses loopback, so that here whatever it sends goes to one engine.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { formatKey } from '../../shared/schema/api-key.ts'
import { PROJECT_DIR } from '../build/wrangler.ts'
import { buildBundle } from '../serve/build-bundle.ts'
import { copyBundle, prepareDataFolder, writeKvService } from '../serve/data-folder.ts'
import { startReadiness } from '../serve/readiness.ts'
import { startWorkerd } from '../serve/workerd.ts'
import { formatWorkerdConfig } from '../serve/workerd-config.ts'
import { parseWranglerFacts } from '../serve/wrangler-facts.ts'
import { childNamed } from './process-usage.ts'

export interface ServedNode {
  readonly url: string
  readonly key: string
  /** The process that answers. */
  readonly workerd: number
  readonly stop: () => Promise<void>
}

const TENANT = 'demo'
const POOLS_SERVICE = /network = \([^()]*(?:\([^()]*\)[^()]*)*\)/
const READY_WITHIN_MS = 60_000
const POLL_MS = 100

/** @param poolPort of the engine, on loopback. Rejects if the node is not ready in time. */
export async function startServedNode(dataDir: string, poolPort: number): Promise<ServedNode> {
  const facts = parseWranglerFacts(await readFile(path.join(PROJECT_DIR, 'wrangler.toml'), 'utf8'))
  if (!facts.ok) throw new Error(facts.error)
  const folder = await prepareDataFolder(dataDir)
  const readiness = await startReadiness()
  const secret = (): string => randomBytes(32).toString('hex')
  const key = formatKey(TENANT, secret().slice(0, 32))
  const secrets = {
    MESH_FINGERPRINT_SECRET: secret(),
    MESH_ENCRYPTION_SECRET: secret(),
    MESH_ADMIN_TOKEN: secret(),
  }
  await writeFile(path.join(folder.generatedDir, 'node-mesh.toml'), configText(key))
  const config = formatWorkerdConfig({
    facts: facts.value,
    modules: await copyBundle(await buildBundle(), folder),
    kvModules: await writeKvService(folder),
    meshConfigFile: 'node-mesh.toml',
    mode: 'single:eu',
    place: { colo: 'FRA' },
    secretNames: Object.keys(secrets),
    listen: '127.0.0.1:0',
    readiness: readiness.address,
    objectsDir: folder.objectsDir,
    kvDir: folder.kvDir,
  })
  const toEngine = config.replace(POOLS_SERVICE, `external = (address = "127.0.0.1:${poolPort}", http = ())`)
  if (toEngine === config) throw new Error('The config of workerd has no network to replace.')
  const file = path.join(folder.generatedDir, 'config.capnp')
  await writeFile(file, toEngine)
  const workerd = await startWorkerd(file, secrets)
  const url = `http://127.0.0.1:${workerd.port}`
  const stop = async (): Promise<void> => {
    workerd.kill()
    await workerd.ended
    readiness.close()
  }
  const deadline = Date.now() + READY_WITHIN_MS
  while (!(await isReady(url))) {
    if (Date.now() > deadline) {
      await stop()
      throw new Error('The node was not ready in time.')
    }
    await wait(POLL_MS)
  }
  return { url, key, workerd: await childNamed('workerd'), stop }
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`).catch(() => undefined)
  await response?.arrayBuffer()
  return response?.ok === true
}

/** JSON is read as TOML's equal. */
function configText(key: string): string {
  return JSON.stringify({
    version: 1,
    regions: [{ id: 'eu', jurisdiction: 'eu', latitude: 50.11, longitude: 8.68, colos: ['FRA'] }],
    pools: [
      {
        id: 'eu',
        region: 'eu',
        dialect: 'vllm',
        url: 'http://10.0.0.1/v1',
        models: [{ model: 'story', served: 'story-8b' }],
        capacity: 512,
      },
    ],
    models: [{ id: 'story', context_length: 32_768, cache: { mode: 'deterministic', ttl_seconds: 3600 } }],
    tenants: [
      {
        id: TENANT,
        floor: { anywhere: true },
        models: '*',
        keys: [{ id: 'bench', sha256: createHash('sha256').update(key).digest('hex') }],
      },
    ],
    // A busy machine must not look like a lost log.
    log: { open_within_ms: 10_000 },
  })
}
