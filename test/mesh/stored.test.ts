/** Where answers are kept, under what names, and who may get them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat, type ChatOptions } from '../support/chat.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import {
  evictLogShards,
  inLogShards,
  logShardNames,
  SHARDS_PER_HOME,
  storedText,
} from '../support/objects.ts'

const MORE_KEYS = {
  second: 'sk-mesh-demo-second456789abcdefghijABCDEFGHIJ',
  byKey: 'sk-mesh-by-key-0123456789abcdefghijABCDEFGHIJ',
  byKey2: 'sk-mesh-by-key-second456789abcdefghijABCDEFGHIJ',
  byUser: 'sk-mesh-by-user-0123456789abcdefghijABCDEFGHIJ',
} as const

const ANYWHERE = { floor: { anywhere: true } }
const TENANTS = [
  { id: 'demo', ...ANYWHERE, keys: keysOf(KEYS.demo, MORE_KEYS.second) },
  { id: 'eu-bank', floor: { jurisdictions: ['eu'] }, keys: keysOf(KEYS['eu-bank']) },
  { id: 'by-key', ...ANYWHERE, cache: { scope: 'key' }, keys: keysOf(MORE_KEYS.byKey, MORE_KEYS.byKey2) },
  { id: 'by-user', ...ANYWHERE, cache: { scope: 'user' }, keys: keysOf(MORE_KEYS.byUser) },
]
const COLOS = ['FRA', 'IAD', 'SIN'] as const
const SHARED = { temperature: 0, max_tokens: 3 }
const MARKER = 'Marker 7e1f0c55: my account is overdrawn.'

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  const log = { shards_per_home: SHARDS_PER_HOME, open_within_ms: 10_000 }
  mesh = await startMesh({
    distances: false,
    config: (urls) => aMeshConfig(urls, { tenants: TENANTS, log }),
  })
})
afterAll(() => mesh.stop())

/** Asks one after the other, and gives the words of `x-mesh-cache`. */
async function cacheWords(prompt: string, asking: readonly ChatOptions[], colo = 'FRA'): Promise<unknown[]> {
  const words: unknown[] = []
  for (const options of asking) {
    const response = await chat(mesh, colo, prompt, { ...options, body: { ...SHARED, ...options.body } })
    await response.text()
    words.push(response.status === 200 ? response.headers.get('x-mesh-cache') : response.status)
  }
  return words
}

/** A prompt that no other test has asked. */
function fresh(): string {
  unique += 1
  return `Fresh question ${unique}`
}

function as(key: string, body: Readonly<Record<string, unknown>> = {}): ChatOptions {
  return { headers: { authorization: `Bearer ${key}` }, body }
}

// First, while nobody else has stored anything.
describe('what a restricted tenant asks', () => {
  test('is kept in objects of its jurisdiction and nowhere else, wherever it arrived', async () => {
    for (const colo of COLOS) {
      for (let number = 0; number < 4; number += 1) {
        expect(await cacheWords(`${MARKER} ${number} ${colo}`, [{ tenant: 'eu-bank' }], colo)).toEqual([
          'miss',
        ])
      }
    }
    const names = await logShardNames(mesh)
    expect(names.length).toBeGreaterThan(3)
    for (const name of names) expect(name).toMatch(/^eu:log\/eu-central\/\d+$/)
    const kv = await mesh.miniflare.getKVNamespace('ANSWERS', mesh.objectOwner)
    expect((await kv.list()).keys).toEqual([])
  })

  test('is found again from every data centre, and says where it was made', async () => {
    for (const colo of COLOS) {
      const response = await chat(mesh, colo, `${MARKER} 0 FRA`, { tenant: 'eu-bank', body: SHARED })
      await response.text()
      expect(response.headers.get('x-mesh-cache')).toBe('hit')
      expect(response.headers.get('x-mesh-pool')).toBe('eu-central')
      expect(response.headers.get('x-mesh-residency')).toBe('eu; restricted')
    }
  })

  test('is nowhere to be read in what is stored: not a word of it, not the key, not whose it is or who made it', async () => {
    const texts = await Promise.all((await logShardNames(mesh)).map((name) => storedText(mesh, name)))
    const stored = texts.join('\n')
    // Guards the test itself: the answers are there.
    const rows = await inLogShards<{ bytes: number }>(
      mesh,
      'SELECT LENGTH(events) AS bytes FROM take_segment JOIN take USING (take)',
    )
    expect(rows).toHaveLength(COLOS.length * 4)
    for (const { bytes } of rows) expect(bytes).toBeGreaterThan(100)
    const response = await chat(mesh, 'FRA', `${MARKER} 0 FRA`, { tenant: 'eu-bank', body: SHARED })
    const text = String(contentOf(await response.json()))
    expect(text.length).toBeGreaterThan(5)
    const ours = ['choices', 'delta', 'finish_reason', 'vllm', 'story', '127.0.0.1']
    const theirs = ['7e1f0c55', 'overdrawn', 'eu-bank', KEYS['eu-bank'], sha256(KEYS['eu-bank']), text]
    expect([...ours, ...theirs].filter((secret) => stored.includes(secret))).toEqual([])
  })
})

describe('who gets an answer', () => {
  test.each([
    ['demo', 'eu-bank'],
    ['eu-bank', 'demo'],
  ] as const)('%s’s is never %s’s', async (first, second) => {
    const asking = [{ tenant: first }, { tenant: second }, { tenant: second }, { tenant: first }]
    expect(await cacheWords(fresh(), asking)).toEqual(['miss', 'miss', 'hit', 'hit'])
  })

  test('all keys of a tenant share it', async () => {
    expect(await cacheWords(fresh(), [as(KEYS.demo), as(MORE_KEYS.second)])).toEqual(['miss', 'hit'])
  })

  test('each key has its own where the scope is the key', async () => {
    const { byKey, byKey2 } = MORE_KEYS
    const words = await cacheWords(fresh(), [as(byKey), as(byKey2), as(byKey), as(byKey2)])
    expect(words).toEqual(['miss', 'miss', 'hit', 'hit'])
  })

  test('each user has its own where the scope is the user, and so has nobody', async () => {
    const users = [{ user: 'ann' }, { user: 'bob' }, {}, { user: 'ann' }, { user: 'bob' }, {}]
    const words = await cacheWords(
      fresh(),
      users.map((body) => as(MORE_KEYS.byUser, body)),
    )
    expect(words).toEqual(['miss', 'miss', 'miss', 'hit', 'hit', 'hit'])
  })

  test('two users share it where the scope is the tenant', async () => {
    const users = [{ user: 'ann' }, { user: 'bob' }].map((body) => as(KEYS.demo, body))
    expect(await cacheWords(fresh(), users)).toEqual(['miss', 'hit'])
  })

  test('a narrowed request does not get what was made without the narrowing', async () => {
    const narrowed = { headers: { 'x-mesh-residency': 'eu' } }
    expect(await cacheWords(fresh(), [{}, narrowed, narrowed, {}])).toEqual(['miss', 'miss', 'hit', 'hit'])
  })

  test('a pool that the reader has ruled out has not made it', async () => {
    const toUs = { headers: { 'x-mesh-residency': 'us, sg' } }
    const toSingapore = { headers: { 'x-mesh-residency': 'ap-southeast' } }
    const prompt = fresh()
    expect(await cacheWords(prompt, [toUs, toSingapore, toSingapore], 'SIN')).toEqual(['miss', 'miss', 'hit'])
  })
})

describe('where logs live', () => {
  test('sixty-four prompts are spread over many shards', async () => {
    await Promise.all(Array.from({ length: 64 }, () => cacheWords(fresh(), [{}], 'IAD')))
    const names = await logShardNames(mesh)
    // Chance would leave one of the 16 without any every fourth time, and four of them never.
    expect(names.filter((name) => /^log\/us-east\/\d+$/.test(name)).length).toBeGreaterThan(12)
  })

  test('each region has its own: what one has is not asked for across an ocean', async () => {
    const prompt = fresh()
    expect(await cacheWords(prompt, [{}], 'FRA')).toEqual(['miss'])
    expect(await cacheWords(prompt, [{}], 'SIN')).toEqual(['miss'])
    expect(await cacheWords(prompt, [{}], 'FRA')).toEqual(['hit'])
  })

  test('they outlive their object', async () => {
    const prompt = fresh()
    const body = { ...SHARED, max_tokens: 40 }
    const first = await chat(mesh, 'FRA', prompt, { body })
    const text = contentOf(await first.json())
    expect(await evictLogShards(mesh)).toBeGreaterThan(0)
    const second = await chat(mesh, 'FRA', prompt, { body })
    expect(second.headers.get('x-mesh-cache')).toBe('hit')
    expect(contentOf(await second.json())).toBe(text)
  })
})

function contentOf(answer: unknown): unknown {
  return (answer as { choices: { message: { content: string } }[] }).choices[0]?.message.content
}

function keysOf(...keys: readonly string[]) {
  return keys.map((key, index) => ({ id: `k${index + 1}`, sha256: sha256(key) }))
}
