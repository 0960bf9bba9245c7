/** A tenant's floor holds, whatever happens to pools and whatever a client asks for. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chat, poolOf, type ChatOptions } from '../support/chat.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { postHead, sendRaw, type RawAnswer } from '../support/raw-request.ts'

const OTHER_KEYS = {
  local: 'sk-mesh-local-0123456789abcdefghijABCDEFGHIJ',
  hosted: 'sk-mesh-hosted-0123456789abcdefghijABCDEFGHIJ',
  ruled: 'sk-mesh-ruled-0123456789abcdefghijABCDEFGHIJ',
} as const
const COLOS = ['FRA', 'IAD', 'SIN'] as const
const BANK: ChatOptions = { tenant: 'eu-bank' }

const ANYWHERE = { floor: { anywhere: true } }
const keysOf = (key: string) => [{ id: 'k1', sha256: sha256(key) }]
const TENANTS = [
  { id: 'demo', ...ANYWHERE, keys: keysOf(KEYS.demo) },
  { id: 'eu-bank', floor: { jurisdictions: ['eu'] }, keys: keysOf(KEYS['eu-bank']) },
  { id: 'local', ...ANYWHERE, terminate: { jurisdictions: ['eu'] }, keys: keysOf(OTHER_KEYS.local) },
  { id: 'hosted', ...ANYWHERE, terminate: { hosts: ['eu.example.com'] }, keys: keysOf(OTHER_KEYS.hosted) },
  { id: 'ruled', ...ANYWHERE, data_classes: ['health', 'public'], keys: keysOf(OTHER_KEYS.ruled) },
]
const RULES = [
  {
    id: 'germans-in-the-eu',
    match: { tenants: ['ruled'], countries: ['DE'] },
    only: { jurisdictions: ['eu'] },
  },
  {
    id: 'health-not-in-the-us',
    match: { tenants: ['ruled'], data_classes: ['health'] },
    except: { jurisdictions: ['us'] },
  },
]

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    distances: false,
    // So that a factor has something to multiply.
    engine: { prefillOverheadMs: 4 },
    config: (urls) => aMeshConfig(urls, { tenants: TENANTS, rules: RULES }),
  })
})
afterAll(() => mesh.stop())
beforeEach(() => {
  for (const engine of Object.values(mesh.engines)) engine.clearFaults()
})

function as(key: string, more: ChatOptions = {}): ChatOptions {
  return { ...more, headers: { authorization: `Bearer ${key}`, ...more.headers } }
}

/** A prompt that no other test has asked. */
function fresh(): string {
  unique += 1
  return `Fresh question ${unique}`
}

function outsideRequests(): number {
  return requestsOf('us-east') + requestsOf('ap-southeast')
}

function requestsOf(pool: string): number {
  return mesh.engines[pool]?.stats().requests ?? Number.NaN
}

async function codeOf(response: Promise<Response>): Promise<string> {
  const answer = await response
  const body = await answer.text()
  if (answer.status === 200) return `200 ${answer.headers.get('x-mesh-pool')}`
  return `${answer.status} ${(JSON.parse(body) as { error: { code: string } }).error.code}`
}

/** Every way in which a pool is asked. */
const WAYS = [
  ['private', { max_tokens: 3 }],
  ['private, streamed', { max_tokens: 3, stream: true }],
  ['shared', { max_tokens: 3, temperature: 0 }],
  ['shared, streamed', { max_tokens: 3, temperature: 0, stream: true }],
] as const

describe('a tenant of the EU', () => {
  async function answers(): Promise<Set<string>> {
    const all = COLOS.flatMap((colo) =>
      WAYS.map(([, body]) => codeOf(chat(mesh, colo, fresh(), { ...BANK, body }))),
    )
    return new Set(await Promise.all(all))
  }

  const TROUBLES = [
    ['is well', {}, ['200 eu-central']],
    ['is fifty times slower', { slow_factor: 50 }, ['200 eu-central']],
    ['answers 429', { status: 429 }, ['503 no_eligible_pool']],
    ['answers 503', { status: 503 }, ['503 no_eligible_pool']],
    ['answers 500', { status: 500 }, ['503 no_eligible_pool']],
    ['redirects', { redirect_to: 'http://127.0.0.1:9/v1/chat/completions' }, ['503 no_eligible_pool']],
    ['is down', { down: true }, ['503 no_eligible_pool']],
  ] as const

  test.each(TROUBLES)(
    'is served by the EU pool or not at all, when that %s',
    async (_name, faults, expected) => {
      const before = outsideRequests()
      mesh.engines['eu-central']?.setFaults(faults)
      expect(await answers()).toEqual(new Set(expected))
      expect(outsideRequests()).toBe(before)
      mesh.engines['eu-central']?.clearFaults()
      // Until what was learnt of the pool is forgotten.
      await expect.poll(answers, { timeout: 15_000, interval: 500 }).toEqual(new Set(['200 eu-central']))
      expect(outsideRequests()).toBe(before)
    },
  )

  test('is told when to come back, and that coming back may help', async () => {
    mesh.engines['eu-central']?.setFaults({ down: true })
    const response = await chat(mesh, 'SIN', fresh(), BANK)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/)
    expect(response.headers.get('x-should-retry')).not.toBe('false')
    expect(response.headers.get('x-mesh-pool')).toBeNull()
    mesh.engines['eu-central']?.clearFaults()
    await expect.poll(answers, { timeout: 15_000, interval: 500 }).toEqual(new Set(['200 eu-central']))
  })

  test('is not sent after a redirect, and other tenants are served elsewhere meanwhile', async () => {
    const target = mesh.engines['us-east']
    mesh.engines['eu-central']?.setFaults({ redirect_to: `${target?.url}/v1/chat/completions` })
    const before = outsideRequests()
    expect(await codeOf(chat(mesh, 'FRA', fresh(), BANK))).toBe('503 no_eligible_pool')
    expect(outsideRequests()).toBe(before)
    expect(['us-east', 'ap-southeast']).toContain(await poolOf(chat(mesh, 'FRA', fresh())))
  })

  test.each([
    ['us', '403 residency_violation'],
    ['us-east', '403 residency_violation'],
    ['sg, us', '403 residency_violation'],
    ['anywhere', '403 residency_violation'],
    ['EU', '403 residency_violation'],
    ['eu-centra', '403 residency_violation'],
    ['us, eu', '200 eu-central'],
    ['eu, us-east', '200 eu-central'],
  ])('cannot widen its floor by asking for "%s"', async (words, expected) => {
    const before = outsideRequests()
    const options = { ...BANK, headers: { 'x-mesh-residency': words } }
    for (const colo of COLOS) expect(await codeOf(chat(mesh, colo, fresh(), options))).toBe(expected)
    expect(outsideRequests()).toBe(before)
  })
})

describe('a narrowing header', () => {
  test.each([
    ['eu', '200 eu-central'],
    ['us', '200 us-east'],
    ['us-east', '200 us-east'],
    ['ap-southeast', '200 ap-southeast'],
    ['eu,us-east-9', '200 eu-central'],
    ['mars', '403 residency_violation'],
    ['EU', '403 residency_violation'],
    ['anywhere', '403 residency_violation'],
    ['*', '400 invalid_header'],
    ['', '400 invalid_header'],
    ['eu;us', '400 invalid_header'],
    ['eu,', '400 invalid_header'],
    ['__proto__', '400 invalid_header'],
    ['constructor', '403 residency_violation'],
  ])('"%s" is obeyed or refused, never passed over', async (words, expected) => {
    for (const colo of COLOS) {
      for (const [, body] of WAYS) {
        const answer = codeOf(chat(mesh, colo, fresh(), { body, headers: { 'x-mesh-residency': words } }))
        expect(await answer).toBe(expected)
      }
    }
  })

  test('is refused before any pool or log is asked, and not retried', async () => {
    const before = outsideRequests() + requestsOf('eu-central')
    const response = await chat(mesh, 'FRA', fresh(), { headers: { 'x-mesh-residency': 'mars' } })
    expect(response.status).toBe(403)
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(outsideRequests() + requestsOf('eu-central')).toBe(before)
  })
})

describe('rules', () => {
  test.each([
    ['a German client, whatever it asks for', 'FRA', { 'x-mesh-residency': 'us' }, '403 residency_violation'],
    ['a German client', 'FRA', { 'x-mesh-data-class': 'public' }, '200 eu-central'],
    ['a client from an unknown place', 'QQQ', { 'x-mesh-residency': 'us' }, '403 residency_violation'],
    ['an American client without a class', 'IAD', { 'x-mesh-residency': 'us' }, '403 residency_violation'],
    [
      'an American client with a class it may not claim',
      'IAD',
      { 'x-mesh-data-class': 'secret', 'x-mesh-residency': 'us' },
      '403 residency_violation',
    ],
    [
      'an American client with health data',
      'IAD',
      { 'x-mesh-data-class': 'health', 'x-mesh-residency': 'us' },
      '403 residency_violation',
    ],
    [
      'an American client with public data',
      'IAD',
      { 'x-mesh-data-class': 'public', 'x-mesh-residency': 'us' },
      '200 us-east',
    ],
  ])('%s', async (_name, colo, headers, expected) => {
    const options = as(OTHER_KEYS.ruled, { headers: { 'x-mesh-dev-colo': colo, ...headers } })
    expect(await codeOf(chat(mesh, 'FRA', fresh(), options))).toBe(expected)
  })
})

describe('where a request may be decrypted', () => {
  test.each([
    ['local', 'FRA', 200],
    ['local', 'IAD', 403],
    ['local', 'SIN', 403],
    ['hosted', 'FRA', 403],
  ] as const)('tenant %s in %s', async (tenant, colo, status) => {
    const response = await chat(mesh, colo, fresh(), as(OTHER_KEYS[tenant]))
    expect(response.status).toBe(status)
    if (status === 403) expect(await codeOf(Promise.resolve(response))).toBe('403 termination_not_allowed')
  })

  test('a data centre that the config does not list is outside', async () => {
    const options = as(OTHER_KEYS.local, { headers: { 'x-mesh-dev-colo': 'CDG' } })
    expect(await codeOf(chat(mesh, 'FRA', fresh(), options))).toBe('403 termination_not_allowed')
  })

  test('is decided before any of the body is there', async () => {
    const answer = await headersOnly('IAD', OTHER_KEYS.hosted)
    expect(answer?.status).toBe(403)
    expect(answer?.body).toContain('"code":"termination_not_allowed"')
    expect(answer?.body).toContain('Send it to eu.example.com.')
  })

  test('so is whether the key is known', async () => {
    expect((await headersOnly('IAD', 'sk-mesh-demo-unknown'))?.status).toBe(401)
  })
})

/** Sends the headers of a large body, and none of it. */
async function headersOnly(colo: string, key: string): Promise<RawAnswer | undefined> {
  const { socket, answer } = sendRaw(
    mesh.url(colo),
    postHead('/v1/chat/completions', [
      `authorization: Bearer ${key}`,
      'content-type: application/json',
      'content-length: 1000000',
    ]),
  )
  try {
    return await answer
  } finally {
    socket.destroy()
  }
}
