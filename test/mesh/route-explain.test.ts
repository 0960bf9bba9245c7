/** POST /admin/v1/route/explain says where a request would go, and why, and neither sends nor stores anything. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { repick } from '../../shared/routing/describe.ts'
import { drain, explain, type Explained } from '../support/admin.ts'
import { chat, poolOf, type ChatOptions } from '../support/chat.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { kvNames, logShardNames, SHARDS_PER_HOME } from '../support/objects.ts'

const COLOS = ['FRA', 'IAD', 'SIN'] as const
const NEAREST = { FRA: 'eu-central', IAD: 'us-east', SIN: 'ap-southeast' } as const
const WAIT = { timeout: 20_000, interval: 100 }
const RULES = [
  { id: 'brits-apart', match: { tenants: ['ruled'], countries: ['GB'] }, only: { jurisdictions: ['sg'] } },
]
const TENANTS = [
  { id: 'demo', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(KEYS.demo) }] },
  { id: 'eu-bank', floor: { jurisdictions: ['eu'] }, keys: [{ id: 'k1', sha256: sha256(KEYS['eu-bank']) }] },
  { id: 'ruled', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256('of nobody') }] },
]

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    engine: { prefillOverheadMs: 10 },
    config: (urls) =>
      aMeshConfig(urls, {
        rules: RULES,
        tenants: TENANTS,
        log: { open_within_ms: 10_000, shards_per_home: SHARDS_PER_HOME },
      }),
  })
  for (const colo of COLOS) {
    for (let index = 0; index < 5; index += 1) await poolOf(ask(colo, { max_tokens: 2 }))
  }
})
afterAll(() => mesh.stop())
beforeEach(() => {
  for (const engine of Object.values(mesh.engines)) engine.clearFaults()
})

function fresh(): string {
  unique += 1
  return `Explain me number ${unique}.`
}

function ask(colo: string, body: object, options: ChatOptions = {}): Promise<Response> {
  return chat(mesh, colo, fresh(), { ...options, body: { ...options.body, ...body } })
}

function aBody(changes: object = {}): object {
  return { model: 'story', messages: [{ role: 'user', content: fresh() }], max_tokens: 2, ...changes }
}

function explained(
  query: Readonly<Record<string, string>>,
  changes: object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Explained> {
  return explain(mesh, { query: { tenant: 'demo', colo: 'FRA', ...query }, body: aBody(changes), headers })
}

function askedOfPools(): number {
  return Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats().requests, 0)
}

const poolsIn = ({ candidates }: Explained) => candidates.map(({ pool }) => pool)

describe('what is explained', () => {
  test('has every part of the decision, from which the pick follows', async () => {
    const found = await explained({})
    expect(found).toEqual({
      origin: 'eu-central',
      model_version: '1',
      restricted: false,
      rules: [],
      snapshot_age_ms: expect.any(Number),
      picked: found.picked,
      reason: found.reason,
      draw: expect.any(Number),
      hashed: [],
      ...(found.look === undefined ? {} : { look: found.look }),
      candidates: found.candidates,
      rejected: [],
    })
    expect(poolsIn(found).toSorted()).toEqual(['ap-southeast', 'eu-central', 'us-east'])
    const [first] = found.candidates
    expect(first).toEqual({
      pool: found.picked,
      region: found.picked,
      estimate_ms: expect.any(Number),
      score_ms: expect.any(Number),
      measured: true,
      parts: {
        rtt_ms: expect.any(Number),
        intercept_ms: expect.any(Number),
        queue_ms: expect.any(Number),
        prefill_ms: expect.any(Number),
        guard_ms: expect.any(Number),
        price_ms: 0,
      },
      prompt_tokens: expect.any(Number),
      warm_tokens: 0,
      ms_per_token: expect.any(Number),
      load: expect.any(Number),
      noise_ms: expect.any(Number),
    })
    expect(repick(found)).toEqual({ pool: found.picked, reason: found.reason })
  })

  test.each(COLOS)('is what happens to a request that arrives at %s right after', async (colo) => {
    const agreed: boolean[] = []
    for (let index = 0; index < 5; index += 1) {
      const { picked } = await explained({ colo })
      agreed.push(picked === (await poolOf(ask(colo, { max_tokens: 2 }))))
    }
    // A pool may become due for a look between the two.
    expect(agreed.filter(Boolean).length).toBeGreaterThanOrEqual(4)
  })

  test('is asked for in any data centre, by what the region of the one in question has measured', async () => {
    for (const colo of COLOS) {
      const origin = NEAREST[colo]
      const found = async () => {
        const other = await explain(mesh, { query: { tenant: 'demo', colo }, body: aBody(), at: 'IAD' })
        expect(other.origin).toBe(origin)
        return other.candidates.find(({ pool }) => pool === origin)?.measured
      }
      await expect.poll(found, WAIT).toBe(true)
    }
  })

  test('of what a log would make is seen from where the log is at home', async () => {
    const origins = async (tenant: string, changes: object, headers = {}) =>
      (await explained({ tenant, colo: 'IAD' }, changes, headers)).origin
    const shared = { temperature: 0 }
    const back = { 'idempotency-key': 'once' }
    expect(await origins('demo', {})).toBe('us-east')
    expect(await origins('demo', shared)).toBe('us-east')
    expect(await origins('eu-bank', {})).toBe('us-east')
    expect(await origins('eu-bank', shared)).toBe('eu-central')
    expect(await origins('eu-bank', shared, { 'x-mesh-cache': 'off' })).toBe('us-east')
    // A client may come back for these, so that a log makes them, too.
    expect(await origins('eu-bank', {}, back)).toBe('eu-central')
    expect(await origins('eu-bank', {}, { 'x-mesh-resumable': 'true' })).toBe('eu-central')
    expect(await origins('eu-bank', {}, { ...back, 'cache-control': 'no-store' })).toBe('us-east')
  })
})

test('nothing of it is sent, stored or logged', async () => {
  const [asked, kv, shards, lines] = [
    askedOfPools(),
    await kvNames(mesh),
    (await logShardNames(mesh)).toSorted(),
    mesh.logs.length,
  ]
  for (const colo of COLOS) {
    for (const changes of [{}, { temperature: 0 }, { temperature: 0, stream: true }]) {
      await explained({ colo }, changes)
      await explained({ colo, tenant: 'eu-bank' }, changes)
    }
  }
  expect(askedOfPools()).toBe(asked)
  expect(await kvNames(mesh)).toEqual(kv)
  expect((await logShardNames(mesh)).toSorted()).toEqual(shards)
  expect(mesh.logs.slice(lines).filter((line) => !line.includes('"pool_running_gap"'))).toEqual([])
})

describe('pools that may not take the request', () => {
  test('by a floor, a header or a rule are not there at all', async () => {
    expect(await explained({ tenant: 'eu-bank', colo: 'SIN' })).toMatchObject({
      picked: 'eu-central',
      restricted: true,
      rejected: [],
    })
    expect(poolsIn(await explained({ tenant: 'eu-bank' }))).toEqual(['eu-central'])
    const narrowed = await explained({}, {}, { 'x-mesh-residency': 'us' })
    expect([poolsIn(narrowed), narrowed.restricted]).toEqual([['us-east'], true])
    const ruled = async (place: Readonly<Record<string, string>>) => {
      const found = await explained({ tenant: 'ruled', ...place })
      return [poolsIn(found).length, found.rules]
    }
    expect(await ruled({ country: 'GB' })).toEqual([1, ['brits-apart']])
    // Nobody said where it came from: the rule counts.
    expect(await ruled({})).toEqual([1, ['brits-apart']])
    expect(await ruled({ country: 'DE' })).toEqual([3, []])
  })

  test('by what they said, or what an operator said, are there with the reason', async () => {
    mesh.engines['us-east']?.setFaults({ status: 429 })
    const narrow = { 'x-mesh-residency': 'us' }
    let saturated: Explained | undefined
    const rejected = async () => {
      await poolOf(ask('FRA', {}, { headers: narrow }))
      saturated = await explained({ key: 'k1' }, {}, narrow)
      return saturated.rejected
    }
    await expect.poll(rejected, WAIT).toEqual([{ pool: 'us-east', reason: 'saturated' }])
    expect(saturated).toMatchObject({ picked: null, candidates: [] })
    expect(saturated?.retry_after_ms).toBeGreaterThan(0)
    expect(saturated && repick(saturated)).toBeUndefined()
    // Only the key that was told so keeps away.
    expect((await explained({}, {}, narrow)).picked).toBe('us-east')

    await drain(mesh, 'FRA', 'ap-southeast', true)
    await expect
      .poll(async () => (await explained({})).rejected, WAIT)
      .toContainEqual({ pool: 'ap-southeast', reason: 'drained' })
    expect(poolsIn(await explained({}))).not.toContain('ap-southeast')
    await drain(mesh, 'FRA', 'ap-southeast', false)
    await expect.poll(async () => poolsIn(await explained({})), WAIT).toContain('ap-southeast')
  })
})
