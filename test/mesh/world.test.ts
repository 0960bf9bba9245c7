/**
 * Identical requests from all over the world: one generation where the model or the tenant wants one in the world, at most
 * one per region otherwise. With the delay layer on, so that objects are as far away as they would be.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readAnswer, type Answer } from '../support/answer.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { logShardNames, SHARDS_PER_HOME } from '../support/objects.ts'

const COLOS = ['FRA', 'IAD', 'SIN'] as const
const TOGETHER = 200
const TOKENS = 40
const WORLDLY_KEY = 'sk-mesh-worldly-0123456789abcdefghijABCDEFGHIJ'
const REGIONAL_KEY = 'sk-mesh-regional-0123456789abcdefghijABCDEFGHIJ'
const MANY_MS = 120_000
const USAGE = { completion_tokens: TOKENS }

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({
    delays: '{}',
    // All of a crowd are there before the answer is.
    engine: { prefillOverheadMs: 300, interTokenLatencyMs: 20 },
    config: (urls) =>
      aMeshConfig(urls, {
        pools: Object.entries(urls).map(([id, url]) => ({
          id,
          region: id,
          dialect: 'vllm',
          url: `${url}/v1`,
          models: ['story', 'world-story'].map((model) => ({ model, served: 'story-8b' })),
        })),
        models: [
          { id: 'story', context_length: 32_768 },
          { id: 'world-story', context_length: 32_768, cache: { coalesce: 'world' } },
        ],
        tenants: [
          { id: 'demo', floor: { anywhere: true }, keys: keysOf(KEYS.demo) },
          {
            id: 'worldly',
            floor: { anywhere: true },
            cache: { coalesce: 'world' },
            keys: keysOf(WORLDLY_KEY),
          },
          {
            id: 'regional',
            floor: { anywhere: true },
            cache: { coalesce: 'region' },
            keys: keysOf(REGIONAL_KEY),
          },
          {
            id: 'eu-bank',
            floor: { jurisdictions: ['eu', 'us'] },
            cache: { coalesce: 'world' },
            keys: keysOf(KEYS['eu-bank']),
          },
        ],
        log: { open_within_ms: 10_000, shards_per_home: SHARDS_PER_HOME },
      }),
  })
  // The first request of a mesh starts its isolates, which can take long.
  for (const key of [KEYS.demo, WORLDLY_KEY, REGIONAL_KEY, KEYS['eu-bank']]) {
    await Promise.all(
      COLOS.map((colo) => ask({ colo, key, prompt: `Warm up ${colo}`, body: { max_tokens: 1 } })),
    )
  }
}, MANY_MS)
afterAll(() => mesh.stop())

function keysOf(key: string) {
  return [{ id: 'k1', sha256: sha256(key) }]
}

interface Asking {
  readonly colo: string
  readonly key: string
  readonly prompt: string
  readonly model?: string
  readonly body?: object
}

async function ask({ colo, key, prompt, model = 'story', body = {} }: Asking): Promise<Answer> {
  const messages = [{ role: 'user', content: prompt }]
  const response = await mesh.fetch(colo, '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages, temperature: 0, max_tokens: TOKENS, ignore_eos: true, ...body }),
  })
  return readAnswer(response)
}

function generations(): number {
  return Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats().generations, 0)
}

/** Every second one streams, and every second one of these wants to see its usage. */
function formOf(index: number): object {
  if (index % 2 === 0) return {}
  return index % 4 === 1 ? { stream: true, stream_options: { include_usage: true } } : { stream: true }
}

describe('one in the world', () => {
  test(
    'stays in the jurisdictions of a restricted tenant, wherever it is asked for',
    async () => {
      // First, while nobody else has had an answer twice.
      const others = new Set(await logShardNames(mesh))
      const before = generations()
      const prompts = Array.from({ length: 16 }, (_, index) => `A question of the bank ${index}`)
      for (const [index, prompt] of prompts.entries()) {
        const colos = [0, 1, 2].map((offset) => COLOS[(index + offset) % 3] ?? 'FRA')
        const words: unknown[] = []
        for (const colo of colos) {
          const { word, headers } = await ask({ colo, key: KEYS['eu-bank'], prompt, body: { max_tokens: 2 } })
          words.push(word)
          expect(headers.get('x-mesh-residency')).toMatch(/^(eu|us); restricted$/)
        }
        expect(words).toEqual(['miss', 'hit', 'hit'])
      }
      expect(generations() - before).toBe(prompts.length)

      const theirs = (await logShardNames(mesh)).filter((name) => !others.has(name))
      for (const name of theirs) expect(name).toMatch(/^(eu:log\/eu-central|us:log\/us-east)\/\d+$/)
      // One log in the world, and not all of them in one place.
      expect(new Set(theirs.map((name) => name.slice(0, 2)))).toEqual(new Set(['eu', 'us']))
      const kv = await mesh.miniflare.getKVNamespace('ANSWERS', mesh.objectOwner)
      expect((await kv.list()).keys).toEqual([])
    },
    MANY_MS,
  )

  test('is found again from everywhere', async () => {
    const prompt = 'Asked in Frankfurt first.'
    const before = generations()
    const words: unknown[] = []
    for (const colo of COLOS) words.push((await ask({ colo, key: WORLDLY_KEY, prompt })).word)
    expect(words).toEqual(['miss', 'hit', 'hit'])
    expect(generations() - before).toBe(1)
  })
})

describe('two hundred at once, half of them streams, from three continents', () => {
  test.each([
    ['where the model wants one in the world', KEYS.demo, 'world-story', 1],
    ['where the tenant does', WORLDLY_KEY, 'story', 1],
    ['where neither does', KEYS.demo, 'story', COLOS.length],
    ['where the tenant does not, whatever the model', REGIONAL_KEY, 'world-story', COLOS.length],
  ])(
    '%s',
    async (where, key, model, most) => {
      const prompt = `Tell the whole world, ${where}.`
      const before = generations()
      const answers = await Promise.all(
        Array.from({ length: TOGETHER }, (_, index) =>
          ask({ colo: COLOS[index % 3] ?? 'FRA', key, model, prompt, body: formOf(index) }),
        ),
      )
      const made = generations() - before
      expect(made).toBeLessThanOrEqual(most)
      expect(made).toBeGreaterThan(0)

      const [first] = answers
      expect(first?.text.length).toBeGreaterThan(TOKENS)
      expect(new Set(answers.map(({ text }) => text))).toEqual(new Set([first?.text]))
      expect(new Set(answers.map(({ error, finish }) => `${error} ${finish}`))).toEqual(
        new Set(['undefined length']),
      )
      expect(new Set(answers.map(({ id }) => id)).size).toBe(TOGETHER)
      for (const { id } of answers) expect(id).toMatch(/^chatcmpl-[0-9a-f]{24}$/)
      for (const [index, { usage }] of answers.entries()) {
        if (index % 4 === 3) expect(usage).toBeUndefined()
        else expect(usage).toMatchObject(USAGE)
      }
      // Each who did not begin one has got another's.
      const words = answers.map(({ word }) => word)
      expect(words.filter((word) => word === 'miss')).toHaveLength(made)
      for (const word of words) expect(['miss', 'coalesced', 'hit']).toContain(word)
      expect(words.filter((word) => word === 'coalesced').length).toBeGreaterThan(0)
    },
    MANY_MS,
  )
})
