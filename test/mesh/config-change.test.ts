/** A request that began under one config and goes on under another gets only what both allow, whichever part has which. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { askFor, readAnswer, type Answer } from '../support/answer.ts'
import { chat } from '../support/chat.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

type Urls = Readonly<Record<string, string>>
type Changes = Readonly<Record<string, unknown>>

const LONG_MS = 120_000
const WAIT = { timeout: 20_000, interval: 100 }
const SHORT = { temperature: 0, max_tokens: 10, ignore_eos: true }
const LONGER = { ...SHORT, max_tokens: 40 }
const STREAM = { stream: true, stream_options: { include_usage: true } }

/** Two pools in the EU, `eu-central` and `eu-west`, and a rule that takes some pools from the bank. */
function without(pools: readonly string[], bank: Changes = {}) {
  return (urls: Urls) => {
    const usual = aMeshConfig(urls)
    const west = { ...usual.pools[0], id: 'eu-west', url: `${urls['us-east']}/v1` }
    const rule = { id: 'not-these', match: { tenants: ['eu-bank'] }, except: { pools } }
    return aMeshConfig(urls, {
      pools: [...usual.pools.filter(({ id }) => id !== 'us-east'), west],
      tenants: usual.tenants.map((tenant) => (tenant.id === 'eu-bank' ? { ...tenant, ...bank } : tenant)),
      rules: pools.length === 0 ? [] : [rule],
      log: { open_within_ms: 10_000, resumable_ttl_seconds: 600 },
    })
  }
}

const ALL = without([])
const CENTRAL = without(['eu-west'])
const WEST = without(['eu-central'])

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    // The first one's config is that of the shards, too.
    colos: ['FRA', 'AMS', 'IAD'],
    distances: false,
    config: WEST,
    configAt: (urls) => ({ AMS: ALL(urls), IAD: CENTRAL(urls) }),
  })
})
afterAll(() => mesh.stop())
beforeEach(async () => {
  for (const engine of Object.values(mesh.engines)) engine.clearFaults()
  await mesh.restart(WEST)
})

function fresh(): string {
  unique += 1
  return `A question under two configs, number ${unique}`
}

function ask(colo: string, prompt: string, body: Changes, headers: Readonly<Record<string, string>> = {}) {
  return askFor(mesh, colo, prompt, { tenant: 'eu-bank', body, headers })
}

const poolOf = ({ headers }: Answer): string | null => headers.get('x-mesh-pool')
const wordAndPool = (answer: Answer): unknown[] => [answer.status, answer.word, poolOf(answer)]

/** Makes an answer in the pool in the west, to come back to. Gives its run. */
async function madeInTheWest(prompt: string): Promise<string> {
  const response = await chat(mesh, 'FRA', prompt, {
    tenant: 'eu-bank',
    body: { ...SHORT, ...STREAM },
    headers: { 'x-mesh-resumable': 'true' },
  })
  const run = response.headers.get('x-mesh-run')
  expect(wordAndPool(await readAnswer(response))).toEqual([200, 'miss', 'eu-west'])
  return run ?? 'none'
}

async function comeBack(colo: string, run: string): Promise<number> {
  const headers = { authorization: `Bearer ${KEYS['eu-bank']}` }
  const response = await mesh.fetch(colo, `/v1/generations/${run}`, { headers })
  await response.text()
  return response.status
}

function askedInTheWest(): number {
  return mesh.engines['us-east']?.stats().requests ?? Number.NaN
}

describe('an answer by a pool that is allowed no more', () => {
  // Edges that run the new config, the one before it, and one that never allowed the pool.
  test.each([
    ['the shards have the new config, the edge too', CENTRAL, 'FRA'],
    ['the shards have the new config, the edge the old one', CENTRAL, 'AMS'],
    ['the edge has the new config, the shards the old one', ALL, 'IAD'],
  ])(
    'is served, read on and continued nowhere: %s',
    async (_name, config, colo) => {
      const [hit, longer] = [fresh(), fresh()]
      const run = await madeInTheWest(hit)
      await madeInTheWest(longer)
      // Guards the test itself: under the config it was made under it is there.
      expect(wordAndPool(await ask('AMS', hit, SHORT))).toEqual([200, 'hit', 'eu-west'])
      expect(await comeBack('AMS', run)).toBe(200)
      await mesh.restart(config)
      const before = askedInTheWest()
      expect(await comeBack(colo, run)).toBe(404)
      expect(wordAndPool(await ask(colo, hit, SHORT))).toEqual([200, 'miss', 'eu-central'])
      expect(wordAndPool(await ask(colo, longer, { ...LONGER, ...STREAM }))).toEqual([
        200,
        'miss',
        'eu-central',
      ])
      expect(askedInTheWest()).toBe(before)
    },
    LONG_MS,
  )

  test(
    'is there again for whom both allow it',
    async () => {
      const prompt = fresh()
      const run = await madeInTheWest(prompt)
      await mesh.restart(ALL)
      expect(await comeBack('AMS', run)).toBe(200)
      expect(wordAndPool(await ask('AMS', prompt, SHORT))).toEqual([200, 'hit', 'eu-west'])
      expect((await ask('AMS', prompt, LONGER)).word).toBe('extended')
    },
    LONG_MS,
  )
})

describe('a new dispatch', () => {
  test(
    'goes to pools that the edge and the shard both allow',
    async () => {
      await mesh.restart(CENTRAL)
      const before = askedInTheWest()
      for (let round = 0; round < 6; round += 1) {
        const prompt = fresh()
        expect(wordAndPool(await ask('AMS', prompt, SHORT))).toEqual([200, 'miss', 'eu-central'])
        expect(wordAndPool(await ask('AMS', prompt, LONGER))).toEqual([200, 'extended', 'eu-central'])
      }
      expect(askedInTheWest()).toBe(before)
    },
    LONG_MS,
  )

  test('is not made where nothing is left between them', async () => {
    const before = Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats().requests, 0)
    for (const body of [SHORT, { ...SHORT, ...STREAM }]) {
      const answer = await ask('IAD', fresh(), body)
      expect([answer.status, answer.error]).toEqual([503, 'config_unavailable'])
    }
    const after = Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats().requests, 0)
    expect(after).toBe(before)
  })

  test(
    'after a pool has died goes to no pool that only one of them allows',
    async () => {
      await mesh.restart(CENTRAL)
      const before = askedInTheWest()
      mesh.engines['eu-central']?.setFaults({ die_after_tokens: 5 })
      const answer = await ask('AMS', fresh(), { ...LONGER, ...STREAM })
      expect([answer.status, answer.error]).toEqual([200, 'stream_truncated'])
      expect(askedInTheWest()).toBe(before)
    },
    LONG_MS,
  )
})

test(
  'an answer older than a retention that was shortened is not read on, however long it was to live',
  async () => {
    const prompt = fresh()
    const run = await madeInTheWest(prompt)
    await mesh.restart(without([], { retention_seconds: 1 }))
    await expect.poll(() => comeBack('FRA', run), WAIT).toBe(404)
    // The edge has not heard of it; the shard has.
    expect(await comeBack('AMS', run)).toBe(404)
    expect((await ask('FRA', prompt, SHORT)).word).toBe('miss')
  },
  LONG_MS,
)

test(
  'a floor that has moved takes everything with it',
  async () => {
    const prompt = fresh()
    const run = await madeInTheWest(prompt)
    await mesh.restart(without([], { floor: { jurisdictions: ['sg'] } }))
    expect(await comeBack('FRA', run)).toBe(404)
    expect(wordAndPool(await ask('FRA', prompt, SHORT))).toEqual([200, 'miss', 'ap-southeast'])
  },
  LONG_MS,
)
