/** What shards and KV know of a batch, together, and what becomes of it when one of them is slow or gone. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { batchOf } from '../../../../shared/embedding/batch.ts'
import { encodeBase64 } from '../../../../shared/embedding/base64.ts'
import type { EmbeddingEntry } from '../../../../shared/embedding/entry.ts'
import { place } from '../../../../shared/residency/place.ts'
import type { Edge } from '../../../../workers/edge.ts'
import type { InputsNamed } from '../../../../workers/embeddings/contexts.ts'
import { createEntryCipher } from '../../../../workers/embeddings/entry-cipher.ts'
import { lookUpInputs } from '../../../../workers/embeddings/look-up-inputs.ts'
import type { VectorHold } from '../../../../workers/embeddings/vector-hold.ts'
import type { EmbeddingsLookup, FoundEmbedding } from '../../../../workers/objects/embedding-rpc.ts'
import { createBodyBudget } from '../../../../workers/stores/body-budget.ts'
import { createVault } from '../../../../workers/vault/vault.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'
import { must } from '../a-dispatch.ts'
import { aRuntime } from '../a-runtime.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const URLS = { 'eu-central': 'http://a.test', 'us-east': 'http://b.test', 'ap-southeast': 'http://c.test' }
const config = aMeshConfig(URLS, { log: { open_within_ms: 300 } })
const vault = createVault({ current: new TextEncoder().encode('a'.repeat(32)) })
const NOW_MS = 1_000_000
/** Of four shards each: names are told apart by their first four characters. */
const NAMES = ['AAAA-one', 'AAAB-two', 'AAAC-three']

type ReadShard = (lookup: EmbeddingsLookup) => Promise<readonly FoundEmbedding[]>
type ReadKv = (keys: readonly string[]) => Promise<Map<string, string | null>>

interface SetUp {
  readonly shard?: ReadShard
  readonly kv?: ReadKv
  readonly restricted?: boolean
  readonly cache?: Partial<InputsNamed['narrowing']['cache']>
  readonly budgetBytes?: number
}

async function setUp({ shard, kv, restricted = false, cache = {}, budgetBytes = 1000 }: SetUp) {
  const wrappedKey = await vault.newWrappedKey('ledger')
  const puts: Record<string, number> = {}
  const lines: Readonly<Record<string, unknown>>[] = []
  const lookups: EmbeddingsLookup[] = []
  const bulks: (readonly string[])[] = []
  const edge = {
    runtime: aRuntime({ log: (line) => lines.push(line) }),
    mesh: {
      config,
      vault,
      regions: new Map(config.regions.map((region) => [region.id, region])),
      env: {
        ANSWERS: {
          get(keys: readonly string[]) {
            bulks.push(keys)
            return kv === undefined ? Promise.resolve(new Map()) : kv(keys)
          },
          put(key: string, _value: string, { expirationTtl }: { expirationTtl: number }) {
            puts[key] = expirationTtl
            return Promise.resolve()
          },
        },
      },
    },
    stubs: {
      logShard: () => ({
        readEmbeddings(lookup: EmbeddingsLookup) {
          lookups.push(lookup)
          return shard === undefined ? Promise.resolve([]) : shard(lookup)
        },
      }),
    },
    waitUntil: () => undefined,
  } as unknown as Edge
  const tenant = must(config.tenants[restricted ? 1 : 0])
  const placement = place({
    config,
    tenant,
    model: must(config.models[0]),
    arrival: { host: 'edge.test', colo: 'FRA' },
  })
  // What the stage reads of a context, and nothing else of it.
  const context = {
    requestId: 'req_1',
    tenant,
    placement: must(placement.ok ? placement.value : undefined),
    edgeRegion: must(config.regions[0]),
    narrowing: { cache: { read: true, onlyIfCached: false, ...cache } },
    embeddings: { model: 'story', inputs: ['one', 'two', 'three'], encoding: 'float', params: {} },
    batch: batchOf(['one', 'two', 'three']),
    modelVersion: '1',
    keeping: {
      kind: 'kept',
      names: NAMES,
      home: { region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: restricted },
      tenantObject: '00000000000000000000000000000000',
      ttlSeconds: 3600,
      lease: { epoch: 1, wrappedKey, tenant: tenant.id, configVersion: 'cfg', expiresAtMs: NOW_MS + 5000 },
    },
  } as unknown as InputsNamed
  const budget = createBodyBudget(budgetBytes)
  let heldBytes = 0
  const hold: VectorHold = {
    take(bytes) {
      if (!budget.take(bytes)) return false
      heldBytes += bytes
      return true
    },
    release: () => undefined,
  }
  return {
    puts,
    lines,
    lookups,
    bulks,
    seal: (name: string, entry = anEntry()) => sealed(name, entry, wrappedKey),
    heldBytes: () => heldBytes,
    async known() {
      const found = await lookUpInputs(context, hold, edge)
      return found.ok ? [...found.value.keys()].toSorted((a, b) => a - b) : found.error.reason
    },
  }
}

function anEntry(changes: Partial<EmbeddingEntry> = {}): EmbeddingEntry {
  return {
    vector: Uint8Array.of(0, 0, 128, 63),
    pool: 'eu-central',
    model: 'story',
    modelVersion: '1',
    createdAtMs: NOW_MS - 10_000,
    expiresAtMs: NOW_MS + 90_500,
    ...changes,
  }
}

async function sealed(name: string, entry: EmbeddingEntry, wrappedKey: string): Promise<FoundEmbedding> {
  const bytes = must(await createEntryCipher(vault, wrappedKey).seal(name, entry))
  return { name, sealed: bytes, isToCopy: false }
}

/** Shards and KV that know these names of the set-up that is made with them. */
async function knowing(
  names: { readonly shards?: readonly string[]; readonly kv?: readonly string[] },
  more: SetUp = {},
) {
  const found = new Map<string, FoundEmbedding>()
  const mesh = await setUp({
    shard: ({ names: asked }) =>
      Promise.resolve(
        asked.filter((name) => names.shards?.includes(name)).map((name) => must(found.get(name))),
      ),
    kv: (keys) =>
      Promise.resolve(
        new Map(
          keys.map((key) => {
            const name = key.replace('emb/1/', '')
            return [key, names.kv?.includes(name) ? encodeBase64(must(found.get(name)).sealed) : null]
          }),
        ),
      ),
    ...more,
  })
  for (const name of NAMES) found.set(name, await mesh.seal(name))
  return { ...mesh, found }
}

const [ONE = '', TWO = '', THREE = ''] = NAMES

describe('of a batch is known', () => {
  test('what a shard or KV knows', async () => {
    const mesh = await knowing({ shards: [ONE, TWO], kv: [TWO, THREE] })
    expect(await mesh.known()).toEqual([0, 1, 2])
    expect(mesh.lookups.map(({ names }) => names)).toEqual([[ONE], [TWO], [THREE]])
    expect(mesh.bulks).toEqual([NAMES.map((name) => `emb/1/${name}`)])
  })

  test('nothing that nobody knows', async () => {
    expect(await (await knowing({})).known()).toEqual([])
  })

  test('what a shard of its jurisdiction knows, where it is restricted: KV is not asked, nothing is copied', async () => {
    const mesh = await knowing({ shards: [ONE], kv: [TWO] }, { restricted: true })
    expect(await mesh.known()).toEqual([0])
    expect(mesh.bulks).toEqual([])
    expect(new Set(mesh.lookups.map(({ maxCopies }) => maxCopies))).toEqual(new Set([0]))
  })

  test('nothing, where the client wants it made anew', async () => {
    const mesh = await knowing({ shards: NAMES, kv: NAMES }, { cache: { read: false } })
    expect(await mesh.known()).toEqual([])
    expect([mesh.lookups, mesh.bulks]).toEqual([[], []])
  })

  test('nothing that is too old, or was made by a pool that is not allowed', async () => {
    const mesh = await knowing({ shards: NAMES }, { cache: { maxAgeSeconds: 10 } })
    mesh.found.set(ONE, await mesh.seal(ONE, anEntry({ createdAtMs: NOW_MS - 10_001 })))
    mesh.found.set(TWO, await mesh.seal(TWO, anEntry({ pool: 'gone' })))
    expect(await mesh.known()).toEqual([2])
    expect(mesh.lines).toEqual([])
  })

  test('nothing that cannot be opened, which is counted', async () => {
    const mesh = await knowing({ shards: NAMES })
    mesh.found.set(ONE, { ...must(mesh.found.get(TWO)), name: ONE })
    mesh.found.set(THREE, { name: THREE, sealed: new Uint8Array(50), isToCopy: false })
    expect(await mesh.known()).toEqual([1])
    expect(mesh.lines).toEqual([
      { event: 'storage_error', object: 'embedding', what: 'unreadable', request_id: 'req_1', count: 2 },
    ])
  })

  test('nothing, with an error, where there is no room for it', async () => {
    expect(await (await knowing({ shards: NAMES }, { budgetBytes: 11 })).known()).toBe('edge_busy')
    expect(await (await knowing({ shards: NAMES }, { budgetBytes: 12 })).known()).toEqual([0, 1, 2])
  })
})

describe('what does not answer', () => {
  const never = () => new Promise<never>(() => undefined)

  test('is waited for no longer than the config says, and the rest counts', async () => {
    const mesh = await knowing({ kv: [TWO] }, { shard: never })
    let known: unknown
    void mesh.known().then((found) => {
      known = found
    })
    // Decryption takes real time, which the fake clock knows nothing of.
    while (mesh.heldBytes() === 0) await new Promise((resolve) => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(299)
    expect(known).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(known).toEqual([1])
  })

  test('is not waited for where the others know everything', async () => {
    expect(await (await knowing({ shards: NAMES }, { kv: never })).known()).toEqual([0, 1, 2])
    expect(await (await knowing({ kv: NAMES }, { shard: never })).known()).toEqual([0, 1, 2])
  })

  test('or fails is a miss', async () => {
    const fails = () => Promise.reject(new Error('overloaded'))
    expect(await (await knowing({ kv: [ONE] }, { shard: fails })).known()).toEqual([0])
    expect(await (await knowing({ shards: [ONE] }, { kv: fails })).known()).toEqual([0])
    expect(await (await knowing({}, { shard: fails, kv: fails })).known()).toEqual([])
  })
})

test('what a shard says is read often is copied, for as long as it lives and at least the minute that KV asks for', async () => {
  const mesh = await knowing({ shards: NAMES })
  mesh.found.set(ONE, { ...must(mesh.found.get(ONE)), isToCopy: true })
  mesh.found.set(TWO, {
    ...(await mesh.seal(TWO, anEntry({ expiresAtMs: NOW_MS + 1000 }))),
    isToCopy: true,
  })
  expect(await mesh.known()).toEqual([0, 1, 2])
  expect(mesh.puts).toEqual({ [`emb/1/${ONE}`]: 90, [`emb/1/${TWO}`]: 60 })
})
