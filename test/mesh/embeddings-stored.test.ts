/** Where vectors are kept, under what names, who may get them, and until when. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embed, embeddedByPools, untilKept, type EmbedOptions } from '../support/embed.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { inLogShards, logShardNames, SHARDS_PER_HOME, storedText } from '../support/objects.ts'

const MORE_KEYS = {
  second: 'sk-mesh-demo-second456789abcdefghijABCDEFGHIJ',
  byUser: 'sk-mesh-by-user-0123456789abcdefghijABCDEFGHIJ',
} as const
const ANYWHERE = { floor: { anywhere: true } }
const keysOf = (...keys: string[]) => keys.map((key, index) => ({ id: `k${index + 1}`, sha256: sha256(key) }))
const TENANTS = [
  { id: 'demo', ...ANYWHERE, keys: keysOf(KEYS.demo, MORE_KEYS.second) },
  { id: 'eu-bank', floor: { jurisdictions: ['eu'] }, keys: keysOf(KEYS['eu-bank']) },
  { id: 'by-user', ...ANYWHERE, cache: { scope: 'user' }, keys: keysOf(MORE_KEYS.byUser) },
]
const BANK: EmbedOptions = { tenant: 'eu-bank' }
const ONLY = { 'x-mesh-cache': 'only' }
const WAIT = { timeout: 10_000 }

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    distances: false,
    config: (urls) =>
      aMeshConfig(urls, {
        tenants: TENANTS,
        models: [
          { id: 'story', context_length: 32_768 },
          { id: 'bad-story', context_length: 32_768 },
        ],
        pools: ['eu-central', 'us-east', 'ap-southeast'].map((id) => ({
          id,
          region: id,
          dialect: 'vllm',
          url: `${urls[id]}/v1`,
          models: [
            { model: 'story', served: 'story-8b' },
            { model: 'bad-story', served: 'story-8b' },
          ],
        })),
        distrust: [{ model: 'bad-story', from: '2020-01-01T00:00:00Z' }],
        log: { shards_per_home: SHARDS_PER_HOME, open_within_ms: 10_000 },
      }),
  })
})
afterAll(() => mesh.stop())

function fresh(count: number): string[] {
  unique += 1
  return Array.from(
    { length: count },
    (_, index) => `Marker 41f7d2 ${unique}/${index}: the account is overdrawn.`,
  )
}

function as(key: string, body: Readonly<Record<string, unknown>> = {}): EmbedOptions {
  return { headers: { authorization: `Bearer ${key}` }, body }
}

async function kvKeys(): Promise<string[]> {
  const kv = await mesh.miniflare.getKVNamespace('ANSWERS', mesh.objectOwner)
  return (await kv.list()).keys.map(({ name }) => name)
}

// First, while nobody else has stored anything.
describe('what a restricted tenant asks', () => {
  test('is kept in a few objects of its jurisdiction and never in KV, wherever it arrived', async () => {
    for (const colo of ['FRA', 'IAD', 'SIN']) {
      const texts = fresh(30)
      expect(await embed(mesh, colo, texts, BANK)).toMatchObject({ status: 200, known: '0/30' })
      await untilKept(mesh, 'FRA', texts, BANK)
      for (let time = 0; time < 3; time += 1) await embed(mesh, colo, texts, BANK)
    }
    const names = await logShardNames(mesh)
    expect(names.length).toBeGreaterThan(1)
    expect(names.length).toBeLessThanOrEqual(4)
    for (const name of names) expect(name).toMatch(/^eu:log\/eu-central\/\d+$/)
    expect(await kvKeys()).toEqual([])
  })

  test('is nowhere in what is stored: no input, no vector, not whose it is', async () => {
    const [text = ''] = fresh(1)
    const { vectors } = await embed(mesh, 'FRA', text, { ...BANK, body: { encoding_format: 'base64' } })
    await untilKept(mesh, 'FRA', text, BANK)
    const bytes = Buffer.from(String(vectors[0]), 'base64')
    const texts = await Promise.all((await logShardNames(mesh)).map((name) => storedText(mesh, name)))
    const stored = texts.join('\n')
    // Guards the test itself: there is something stored.
    expect(stored.length).toBeGreaterThan(20_000)
    expect(stored).not.toContain(bytes.subarray(0, 8).toString('latin1'))
    for (const secret of [
      '41f7d2',
      'overdrawn',
      'eu-bank',
      'eu-central", ',
      KEYS['eu-bank'],
      'promptTokens',
    ]) {
      expect(stored).not.toContain(secret)
    }
  })
})

describe('who gets a vector', () => {
  async function knownBy(texts: readonly string[], options: EmbedOptions): Promise<string | undefined> {
    return (await embed(mesh, 'FRA', texts, options)).known
  }

  test('all keys of a tenant, and no other tenant', async () => {
    const texts = fresh(3)
    await embed(mesh, 'FRA', texts, as(KEYS.demo))
    await untilKept(mesh, 'FRA', texts, as(KEYS.demo))
    expect(await knownBy(texts, as(MORE_KEYS.second))).toBe('3/3')
    expect(await knownBy(texts, BANK)).toBe('0/3')
    expect(await knownBy(texts, as(MORE_KEYS.byUser))).toBe('0/3')
  })

  test('one user alone, where the scope is the user', async () => {
    const texts = fresh(2)
    await embed(mesh, 'FRA', texts, as(MORE_KEYS.byUser, { user: 'ann' }))
    await untilKept(mesh, 'FRA', texts, as(MORE_KEYS.byUser, { user: 'ann' }))
    expect(await knownBy(texts, as(MORE_KEYS.byUser, { user: 'bob' }))).toBe('0/2')
    expect(await knownBy(texts, as(MORE_KEYS.byUser))).toBe('0/2')
  })

  test('nobody, where the client has narrowed itself to pools that did not make it', async () => {
    const texts = fresh(2)
    const inEu = { headers: { 'x-mesh-residency': 'eu' } }
    const inUs = { headers: { 'x-mesh-residency': 'us' } }
    expect((await embed(mesh, 'FRA', texts, inEu)).headers.get('x-mesh-residency')).toBe('eu; restricted')
    await untilKept(mesh, 'FRA', texts, inEu)
    const other = await embed(mesh, 'FRA', texts, inUs)
    expect([other.known, other.headers.get('x-mesh-residency')]).toEqual(['0/2', 'us; restricted'])
  })

  test('nobody, where what was made is distrusted; it is made each time', async () => {
    const texts = fresh(2)
    const bad = { body: { model: 'bad-story' } }
    const kept = (await inLogShards(mesh, 'SELECT name FROM embedding')).length
    const before = embeddedByPools(mesh)
    await embed(mesh, 'FRA', texts, bad)
    const rows = async () => (await inLogShards(mesh, 'SELECT name FROM embedding')).length
    await expect.poll(rows, WAIT).toBe(kept + 2)
    for (let time = 0; time < 3; time += 1) {
      expect(await embed(mesh, 'FRA', texts, bad)).toMatchObject({ word: 'miss', known: '0/2' })
    }
    expect(embeddedByPools(mesh) - before).toBe(8)
    expect((await embed(mesh, 'FRA', texts, { body: bad.body, headers: ONLY })).word).toBe('not_cached')
  })
})

describe('KV', () => {
  test('has what is read a second time, and another region finds it there', async () => {
    const texts = fresh(40)
    const before = new Set(await kvKeys())
    const copies = async () => (await kvKeys()).filter((key) => !before.has(key))
    await embed(mesh, 'FRA', texts)
    await untilKept(mesh, 'FRA', texts)
    // Sixteen of a shard at a time.
    await expect
      .poll(async () => {
        await embed(mesh, 'FRA', texts)
        return (await copies()).length
      }, WAIT)
      .toBe(40)
    for (const key of await copies()) expect(key).toMatch(/^emb\/1\/[A-Za-z0-9_-]{43}$/)

    const made = embeddedByPools(mesh)
    const near = await embed(mesh, 'FRA', texts)
    expect(await embed(mesh, 'SIN', texts)).toMatchObject({
      word: 'hit',
      known: '40/40',
      vectors: near.vectors,
      promptTokens: near.promptTokens,
    })
    expect(embeddedByPools(mesh)).toBe(made)
  })

  test('does not serve what has expired, though it keeps it for a minute', async () => {
    const texts = fresh(1)
    const short = { headers: { 'x-mesh-cache-ttl': '3' } }
    const before = (await kvKeys()).length
    await embed(mesh, 'FRA', texts, short)
    await untilKept(mesh, 'FRA', texts)
    await embed(mesh, 'FRA', texts)
    await expect.poll(async () => (await kvKeys()).length, WAIT).toBe(before + 1)
    const ask = async (colo: string) => (await embed(mesh, colo, texts, { headers: ONLY })).word
    await expect.poll(() => ask('FRA'), WAIT).toBe('not_cached')
    expect(await ask('SIN')).toBe('not_cached')
    expect((await kvKeys()).length).toBe(before + 1)
  })

  test('that holds something else is passed over', async () => {
    const texts = fresh(1)
    const kv = await mesh.miniflare.getKVNamespace('ANSWERS', mesh.objectOwner)
    const before = new Set(await kvKeys())
    await embed(mesh, 'FRA', texts)
    await untilKept(mesh, 'FRA', texts)
    await embed(mesh, 'FRA', texts)
    await expect.poll(async () => (await kvKeys()).length, WAIT).toBe(before.size + 1)
    const key = (await kvKeys()).find((name) => !before.has(name)) ?? ''
    const sealed = String(await kv.get(key, 'text'))
    for (const value of ['', 'not base64', 'AAAA', `${sealed.slice(0, -8)}AAAAAAA=`]) {
      await kv.put(key, value)
      const answer = await embed(mesh, 'SIN', texts, { headers: { 'x-mesh-cache': 'only' } })
      expect(answer.word).toBe('not_cached')
    }
    await kv.put(key, sealed)
    expect((await embed(mesh, 'SIN', texts)).word).toBe('hit')
  })
})
