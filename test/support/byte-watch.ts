/**
 * A mesh of four marked pools, two of them in the EU, of which every byte that leaves the EU or stays behind can be searched:
 * what is stored, under which names, what is logged, what clients are told and what other pools are sent.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { digestedForms, encodedForms, finderOf, haystack, type Form } from './leak-forms.ts'
import { startMarkedPool, type MarkedPool } from './marked-pools.ts'
import { aMeshConfig, KEYS, sha256 } from './mesh-config.ts'
import { startMesh, type TestMesh } from './mesh.ts'
import { objectNames } from './object-names.ts'
import { SHARDS_PER_HOME } from './objects.ts'
import { storedBytes } from './stored-bytes.ts'

/** What every prompt has in it, and what every word of every answer in the EU is. */
export const PROMPT_MARK = 'zQxPROMPTq7Zx'
export const ANSWER_MARK = 'kWjANSWERj9Wk'
/** Of a tenant that may use the pools in the EU only, wherever its requests arrive. */
export const OPEN_KEY = 'sk-mesh-eu-open-0123456789abcdefghijABCDEFGHIJ'

export const EU_POOLS = ['eu-a', 'eu-b'] as const
export const OUTSIDE = ['us-east', 'ap-southeast'] as const
const REGIONS = ['eu-central', ...OUTSIDE]
const TENANTS = ['demo', 'eu-bank', 'eu-open']

export interface ByteWatch {
  readonly mesh: TestMesh
  readonly pools: Readonly<Record<(typeof EU_POOLS)[number] | (typeof OUTSIDE)[number], MarkedPool>>
  /** Has digests of this text searched for, too. */
  digested(text: string, label: string): void
  /** Reads an answer. Its headers, and its body unless it is a good answer, are searched. */
  note(response: Response): Promise<{ readonly status: number; readonly text: string }>
  /** Has a text searched that a client was told beside an answer. */
  noteText(text: string): void
  objectNames(): Promise<readonly string[]>
  kvKeys(): Promise<readonly string[]>
  /** All that was found, as `place: form`, and how many bytes were looked at. */
  search(): Promise<{ readonly found: readonly string[]; readonly bytes: number }>
  stop(): Promise<void>
}

export async function startByteWatch(moreWorkers: readonly object[] = []): Promise<ByteWatch> {
  const storageDir = await mkdtemp(path.join(tmpdir(), 'byte-watch-'))
  const [a, b, us, ap] = await Promise.all([
    startMarkedPool(ANSWER_MARK),
    startMarkedPool(ANSWER_MARK),
    startMarkedPool('elsewhere'),
    startMarkedPool('elsewhere'),
  ])
  const pools = { 'eu-a': a, 'eu-b': b, 'us-east': us, 'ap-southeast': ap }
  const mesh = await startMesh({
    colos: ['FRA', 'AMS', 'IAD', 'SIN'],
    storageDir,
    moreWorkers,
    pools: Object.fromEntries(Object.entries(pools).map(([id, { url }]) => [id, url])),
    config: configOf,
  })
  const said: string[] = []
  const digested = new Set<string>()
  const forms: Form[] = [PROMPT_MARK, ANSWER_MARK].flatMap((mark) => [
    ...encodedForms(mark),
    ...digestedForms(mark),
  ])

  async function places(): Promise<{ place: string; bytes: Uint8Array | string }[]> {
    const outside = OUTSIDE.flatMap((pool) =>
      pools[pool].received.map(({ text }) => ({ place: `sent to ${pool}`, bytes: text })),
    )
    return [
      ...(await storedBytes(storageDir)),
      ...outside,
      { place: 'log', bytes: mesh.logs.join('\n') },
      { place: 'said to clients', bytes: said.join('\n') },
    ]
  }

  return {
    mesh,
    pools,
    digested(text, label) {
      if (digested.has(text)) return
      digested.add(text)
      forms.push(...digestedForms(text, label))
    },
    async note(response) {
      const text = await response.text()
      said.push(JSON.stringify([...response.headers]))
      if (response.status !== 200) said.push(text)
      return { status: response.status, text }
    },
    noteText: (text) => void said.push(text),
    objectNames: () => objectNames(mesh, { tenants: TENANTS, regions: REGIONS, pools: Object.keys(pools) }),
    async kvKeys() {
      const kv = await mesh.miniflare.getKVNamespace('ANSWERS', mesh.objectOwner)
      return (await kv.list()).keys.map(({ name }) => name)
    },
    async search() {
      const find = finderOf(forms)
      const found: string[] = []
      let bytes = 0
      for (const [place, parts] of Map.groupBy(await places(), ({ place: name }) => name)) {
        const text = parts.map((part) => haystack(part.bytes)).join('\n')
        bytes += text.length
        found.push(...find(text).map((form) => `${place}: ${form}`))
      }
      return { found, bytes }
    },
    async stop() {
      await mesh.stop()
      await Promise.all(Object.values(pools).map((pool) => pool.stop()))
      await rm(storageDir, { recursive: true, force: true })
    },
  }
}

function configOf(urls: Readonly<Record<string, string>>) {
  const eu = { floor: { jurisdictions: ['eu'] } }
  const keysOf = (key: string) => [{ id: 'k1', sha256: sha256(key) }]
  return aMeshConfig(urls, {
    pools: [...EU_POOLS, ...OUTSIDE].map((id) => ({
      id,
      region: id.startsWith('eu-') ? 'eu-central' : id,
      dialect: 'vllm',
      url: `${urls[id]}/v1`,
      models: [{ model: 'story', served: 'story-8b' }],
    })),
    tenants: [
      { id: 'demo', floor: { anywhere: true }, keys: keysOf(KEYS.demo) },
      { id: 'eu-bank', ...eu, terminate: { jurisdictions: ['eu'] }, keys: keysOf(KEYS['eu-bank']) },
      { id: 'eu-open', ...eu, keys: keysOf(OPEN_KEY) },
    ],
    limits: { max_body_bytes: 64 * 1024 },
    log: { open_within_ms: 10_000, shards_per_home: SHARDS_PER_HOME },
    // Lines about routes are searched, too.
    routing: { log_share: 1 },
  })
}
