/** Among pools that are equally good, what belongs together stays together: conversations, and what a client says belongs together. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explain } from '../support/admin.ts'
import type { ChatOptions } from '../support/chat.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { aText, tellOf, type Message, type Told } from '../support/prompts.ts'

const IDS = ['eu-central', 'us-east', 'ap-southeast']
const TURNS = 8
const CONVERSATIONS = ['Ada', 'Ben', 'Cleo', 'Dov']

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    // A share of this is what estimates may differ by, on a machine with other things to do.
    engine: { prefillOverheadMs: 100, prefillTimePerTokenMs: 0.1 },
    config: (urls) =>
      aMeshConfig(urls, {
        pools: IDS.map((id) => ({
          id,
          // By the config, too, none is nearer than the others.
          region: 'eu-central',
          dialect: 'vllm',
          url: `${urls[id]}/v1`,
          models: [{ model: 'story', served: 'story-8b' }],
        })),
      }),
  })
  // Until all three have been measured.
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(Array.from({ length: 6 }, () => tellOf(mesh, 'FRA', unrelated())))
  }
})
afterAll(() => mesh.stop())

/** Too short to be recognised by its beginning, which no other has. */
function unrelated(): readonly Message[] {
  unique += 1
  return [{ role: 'user', content: aText(`unrelated ${unique}`, 30) }]
}

/** How many were at the pool that most of them were at. */
function mostAtOne(pools: readonly (string | null)[]): number {
  return Math.max(...IDS.map((id) => pools.filter((pool) => pool === id).length))
}

async function converse(name: string): Promise<readonly Told[]> {
  const messages: Message[] = [{ role: 'system', content: aText(`the life of ${name}`, 1200) }]
  const turns: Told[] = []
  for (let turn = 0; turn < TURNS; turn += 1) {
    messages.push({ role: 'user', content: aText(`${name} asks ${turn}`, 120) })
    const told = await tellOf(mesh, 'FRA', messages, { body: { max_tokens: 16 } })
    messages.push({ role: 'assistant', content: told.text })
    turns.push(told)
  }
  return turns
}

test('a conversation stays where it is cached, turn after turn, beside others', async () => {
  const all = await Promise.all(CONVERSATIONS.map(converse))
  for (const turns of all) {
    const pools = turns.map(({ pool }) => pool)
    expect(mostAtOne(pools), pools.join(' ')).toBeGreaterThanOrEqual(TURNS - 1)
    const home = IDS.find((id) => pools.filter((pool) => pool === id).length >= TURNS - 1)
    const [first = 0, ...later] = turns.flatMap(({ pool, cachedTokens }) =>
      pool === home ? [cachedTokens] : [],
    )
    expect(first).toBe(0)
    for (const [index, cached] of later.entries()) {
      // Each turn finds all that was there before it, which is more than the turn before it found.
      expect(cached, later.join(' ')).toBeGreaterThan(Math.max(1100, later[index - 1] ?? 0))
    }
  }
})

describe('what a client says belongs together', () => {
  const KEYS = Array.from({ length: 9 }, (_, index) => `conversation-${index}`)

  /**
   * The pools of prompts that have nothing in common but what the options say. One after another: a pool that computes
   * other prompts is not as good as one that does not.
   */
  async function poolsOf(options: readonly ChatOptions[]): Promise<(string | null)[]> {
    const pools: (string | null)[] = []
    for (const each of options) pools.push((await tellOf(mesh, 'FRA', unrelated(), each)).pool)
    return pools
  }

  const byHeader = (key: string): ChatOptions => ({ headers: { 'x-mesh-affinity': key } })
  const byField = (key: string): ChatOptions => ({ body: { prompt_cache_key: key } })

  /** The two pools that such a prompt prefers among equals, the first choice first. */
  async function hashedBy({ headers = {}, body = {} }: ChatOptions): Promise<readonly string[]> {
    const asked = { model: 'story', messages: unrelated(), ...body }
    const { hashed } = await explain(mesh, { query: { tenant: 'demo', colo: 'FRA' }, body: asked, headers })
    return hashed ?? []
  }

  test('in the header or in prompt_cache_key goes to the same pool, other things to others', async () => {
    const strays: string[] = []
    const homes = new Set<string | null>()
    for (const key of KEYS) {
      const pools = await poolsOf([byHeader(key), byHeader(key), byField(key), byField(key)])
      if (mostAtOne(pools) < 3) strays.push(`${key}: ${pools.join(' ')}`)
      for (const pool of pools) homes.add(pool)
    }
    // In a moment in which one of them is slow, they are not equal. By chance six of nine would stray.
    expect(strays.length, strays.join('; ')).toBeLessThanOrEqual(2)
    expect(homes.size).toBeGreaterThanOrEqual(2)
  })

  test('prefers the same two pools wherever it is said, and the header counts where both are', async () => {
    const preferred = new Set<string>()
    for (const key of KEYS) {
      const hashed = await hashedBy(byHeader(key))
      expect(hashed).toHaveLength(2)
      expect(await hashedBy(byField(key))).toEqual(hashed)
      expect(await hashedBy({ ...byHeader(key), ...byField('something else') })).toEqual(hashed)
      preferred.add(hashed.join(' '))
    }
    expect(preferred.size).toBeGreaterThanOrEqual(3)
    expect(await hashedBy({})).toEqual([])
  })

  test.each([
    ['with a space in it', 'two words'],
    ['of no characters', ''],
    ['of letters that are not ASCII', 'gespräch'],
    ['that is too long', 'x'.repeat(257)],
  ])('%s is refused, and not repeated', async (_name, value) => {
    const before = mesh.engines['eu-central']?.stats().requests
    const response = await mesh.fetch('FRA', '/v1/chat/completions', {
      method: 'POST',
      headers: { ...byHeader(value).headers, authorization: 'Bearer sk-mesh-demo-x' },
      body: '{}',
    })
    const text = await response.text()
    expect([response.status, (JSON.parse(text) as { error: { code: string } }).error.code]).toEqual([
      400,
      'invalid_header',
    ])
    expect(text).toContain('x-mesh-affinity')
    if (value !== '') expect(text).not.toContain(value)
    expect(mesh.engines['eu-central']?.stats().requests).toBe(before)
  })

  test('may be 256 characters long', async () => {
    expect((await tellOf(mesh, 'FRA', unrelated(), byHeader('x'.repeat(256)))).status).toBe(200)
  })
})
