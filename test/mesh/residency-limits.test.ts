/** What tenants and rules say of classes, headers, premises and storage holds from the first header to the last copy. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askToExplain } from '../support/admin.ts'
import { chat, type ChatOptions } from '../support/chat.ts'
import { aMeshConfig, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const RANDOM = '0123456789abcdefghijABCDEFGHIJ'
const keyOf = (tenant: string): string => `sk-mesh-${tenant}-${RANDOM}`
const CAREFUL_KEY = 'sk-mesh-ward-careful456789abcdefghijABCDEF'

const tenant = (id: string, more: object = {}) => ({
  id,
  floor: { anywhere: true },
  keys: [{ id: 'k1', sha256: sha256(keyOf(id)) }],
  ...more,
})
const ward = tenant('ward', { data_classes: ['health', 'public'] })
const TENANTS = [
  tenant('demo'),
  { ...ward, keys: [...ward.keys, { id: 'k2', sha256: sha256(CAREFUL_KEY), data_classes: ['health'] }] },
  tenant('office'),
  tenant('own', { sovereign: 'only' }),
  tenant('homely', { storage: 'home' }),
  tenant('forgetful', { storage: 'none' }),
  tenant('brief', { retention_seconds: 1 }),
]
const RULES = [
  { id: 'health', match: { tenants: ['ward'], data_classes: ['health'] }, only: { jurisdictions: ['eu'] } },
  {
    id: 'radiology',
    match: { tenants: ['office'], headers: [{ name: 'x-department', values: ['radiology'] }] },
    only: { jurisdictions: ['eu'] },
  },
  { id: 'union', match: { tenants: ['office'], eu_member: true }, except: { jurisdictions: ['us'] } },
]

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    distances: false,
    config(urls) {
      const { pools } = aMeshConfig(urls)
      const marked = pools.map((pool) => ({ ...pool, sovereign: pool.id === 'ap-southeast' }))
      return aMeshConfig(urls, { tenants: TENANTS, rules: RULES, pools: marked })
    },
  })
})
afterAll(() => mesh.stop())

function fresh(): string {
  unique += 1
  return `A question of its own ${unique}`
}

function ask(of: string, colo: string, { headers, body, key = keyOf(of), prompt = fresh() }: Asked = {}) {
  const options: ChatOptions = {
    headers: { authorization: `Bearer ${key}`, ...headers },
    body: { max_tokens: 3, ...body },
  }
  return chat(mesh, colo, prompt, options)
}

interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly key?: string
  readonly prompt?: string
}

async function outcomeOf(response: Response): Promise<string> {
  const text = await response.text()
  if (response.status === 200) return `200 ${response.headers.get('x-mesh-pool')}`
  return `${response.status} ${(JSON.parse(text) as { error: { code: string } }).error.code}`
}

const WANTS_US = { 'x-mesh-residency': 'us' }
const SHARED = { temperature: 0 }

describe('a class counts', () => {
  test.each([
    ['with a key that may claim it', keyOf('ward'), 'public', '200 us-east'],
    ['not with a key that may not', CAREFUL_KEY, 'public', '403 residency_violation'],
    ['and binds with any key', CAREFUL_KEY, 'health', '403 residency_violation'],
  ])('%s', async (_name, key, dataClass, expected) => {
    for (const body of [{}, SHARED]) {
      const headers = { ...WANTS_US, 'x-mesh-data-class': dataClass }
      expect(await outcomeOf(await ask('ward', 'IAD', { key, headers, body }))).toBe(expected)
    }
  })
})

describe('a header that a rule asks about', () => {
  test.each([
    ['is absent', {}, '200 us-east'],
    ['says something else', { 'x-department': 'surgery' }, '200 us-east'],
    ['says so', { 'x-department': 'radiology' }, '403 residency_violation'],
    ['says so among others', { 'X-Department': 'surgery, radiology' }, '403 residency_violation'],
    ['is too long to read', { 'x-department': 'x'.repeat(200) }, '403 residency_violation'],
  ])('%s', async (_name, headers, expected) => {
    for (const body of [{}, SHARED]) {
      expect(
        await outcomeOf(await ask('office', 'IAD', { headers: { ...WANTS_US, ...headers }, body })),
      ).toBe(expected)
    }
  })

  test('still holds for who comes back to the answer', async () => {
    const headers = { 'x-department': 'radiology', 'x-mesh-resumable': 'true' }
    const begun = await ask('office', 'IAD', { headers, body: { ...SHARED, stream: true } })
    const text = await begun.text()
    expect(begun.headers.get('x-mesh-pool')).toBe('eu-central')
    const back = (more: object) =>
      mesh.fetch('IAD', `/v1/generations/${begun.headers.get('x-mesh-run')}`, {
        headers: { authorization: `Bearer ${keyOf('office')}`, ...more },
      })
    expect(await (await back({})).text()).toBe(text)
    expect((await back(WANTS_US)).status).toBe(403)
  })
})

test.each([
  ['in the union', 'FRA', '403 residency_violation'],
  ['outside', 'IAD', '200 us-east'],
  ['at a place nobody knows', 'QQQ', '403 residency_violation'],
])('a client %s', async (_name, colo, expected) => {
  const headers = { ...WANTS_US, 'x-mesh-dev-colo': colo }
  expect(await outcomeOf(await ask('office', 'FRA', { headers }))).toBe(expected)
})

test('a tenant that stays on its premises is served there, or not at all', async () => {
  for (const colo of ['FRA', 'IAD', 'SIN']) {
    expect(await outcomeOf(await ask('own', colo))).toBe('200 ap-southeast')
    expect(await outcomeOf(await ask('own', colo, { headers: WANTS_US }))).toBe('403 residency_violation')
  }
  mesh.engines['ap-southeast']?.setFaults({ down: true })
  expect(await outcomeOf(await ask('own', 'FRA'))).toBe('503 no_eligible_pool')
  mesh.engines['ap-southeast']?.clearFaults()
})

describe('of a tenant', () => {
  const twice = async (of: string, wait = 0): Promise<(string | null)[]> => {
    const prompt = fresh()
    const first = await ask(of, 'FRA', { prompt, body: SHARED })
    await first.text()
    const isOver = (): boolean => Date.now() >= untilMs
    const untilMs = Date.now() + wait
    await expect.poll(isOver, { timeout: wait + 1000 }).toBe(true)
    const second = await ask(of, 'FRA', { prompt, body: SHARED })
    await second.text()
    return [first, second].map((response) => response.headers.get('cache-status'))
  }

  test('that stores at home an answer is kept', async () => {
    expect(await twice('homely')).toEqual([
      'warmpath; fwd=miss; stored',
      expect.stringMatching(/^warmpath; hit; ttl=35\d\d$/),
    ])
  })

  test('that stores nothing no answer is kept, for whatever purpose', async () => {
    const notStored = 'warmpath; fwd=bypass; detail=no_home'
    expect(await twice('forgetful')).toEqual([notStored, notStored])
  })

  test('that stores nothing a request for what has to be stored is refused, before a pool is asked', async () => {
    const asked = (): number =>
      Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats().requests, 0)
    const before = asked()
    for (const headers of [{ 'x-mesh-resumable': 'true' }, { 'idempotency-key': 'order-1' }]) {
      for (const body of [{ stream: true }, SHARED]) {
        const response = await ask('forgetful', 'FRA', { headers, body })
        expect(response.headers.get('x-should-retry')).toBe('false')
        expect(await outcomeOf(response)).toBe('403 storage_not_available')
      }
    }
    expect(asked()).toBe(before)
    // What is asked for in so many words to be without it is served.
    const without = await ask('forgetful', 'FRA', {
      headers: { 'x-mesh-resumable': 'false' },
      body: { stream: true },
    })
    await without.text()
    expect([without.status, without.headers.get('x-mesh-run')]).toEqual([200, null])
    const explained = await askToExplain(mesh, {
      query: { tenant: 'forgetful', colo: 'FRA' },
      headers: { 'x-mesh-resumable': 'true' },
      body: { model: 'story', messages: [{ role: 'user', content: 'Hi' }] },
    })
    expect(await outcomeOf(explained)).toBe('403 storage_not_available')
  })

  test('that retains for a second an answer is gone after it', async () => {
    const stored = 'warmpath; fwd=miss; stored'
    expect(await twice('brief', 1100)).toEqual([stored, stored])
  })
})
