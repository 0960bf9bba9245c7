/** Which log a request belongs to, for how long, where it is, and who else gets it; or why it belongs to none. */
import { describe, expect, test } from 'vitest'
import { parseCacheDirectives } from '../../../../shared/cache/directives.ts'
import type { Lease } from '../../../../shared/lease/lease.ts'
import { homeOf } from '../../../../shared/residency/home.ts'
import { place } from '../../../../shared/residency/place.ts'
import type { Admitted, Narrowing, Sharing } from '../../../../workers/contexts.ts'
import type { Edge } from '../../../../workers/edge.ts'
import { fingerprintRequest } from '../../../../workers/stages/fingerprint.ts'
import { createTenantKeyring } from '../../../../workers/tenant-keys.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'
import { must, POOLS } from '../a-dispatch.ts'

const NOW_MS = 1_000_000
const KEYS = createTenantKeyring(new TextEncoder().encode('test fingerprint secret of 32 bytes or more'))
const LEASE: Lease = {
  configVersion: 'cfg',
  tenant: 'demo',
  epoch: 3,
  wrappedKey: 'wrapped',
  expiresAtMs: NOW_MS + 1000,
}

interface About {
  readonly tenant?: 'demo' | 'eu-bank'
  readonly config?: Readonly<Record<string, unknown>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  readonly isResumable?: boolean
  readonly idempotencyKey?: string
  readonly keyId?: string
  readonly run?: string
  readonly user?: string
  readonly tokenLimit?: number
  readonly narrow?: readonly string[]
  /** The data centre it arrives at. */
  readonly colo?: string
  readonly lease?: Lease | 'none'
  /** What the ledger grants when it is asked again. */
  readonly renewed?: Lease
  readonly hasHome?: boolean
}

function setUp(about: About) {
  const { tenant: tenantId = 'demo', colo = 'FRA', narrow, hasHome = true } = about
  const config = aMeshConfig(
    Object.fromEntries(POOLS.map((id) => [id, `http://${id}.test`])),
    about.config ?? {},
  )
  const tenant = must(config.tenants.find(({ id }) => id === tenantId))
  const model = must(config.models[0])
  const edgeRegion = must(config.regions.find(({ colos }) => colos?.includes(colo)))
  const arrival = { host: 'edge.test', colo }
  const placed = place({ config, tenant, model, arrival, ...(narrow === undefined ? {} : { narrow }) })
  const placement = must(placed.ok ? placed.value : undefined)
  const cache = parseCacheDirectives(about.headers ?? {})
  const narrowing: Narrowing = {
    cache: must(cache.ok ? cache.value : undefined),
    isResumable: about.isResumable ?? false,
    ...(about.idempotencyKey === undefined ? {} : { idempotencyKey: about.idempotencyKey }),
  }
  const home = hasHome ? homeOf(placement, edgeRegion, { kind: 'dev' }) : undefined
  const lease = about.lease ?? LEASE
  // Of an admitted request, this stage reads what is here.
  const context = {
    tenant,
    model,
    placement,
    narrowing,
    keyId: about.keyId ?? 'k1',
    run: about.run ?? 'run 1',
    configVersion: 'cfg',
    generation: {
      surface: 'chat',
      model: 'story',
      stream: true,
      includeUsage: false,
      body: { messages: [{ role: 'user', content: 'Hi' }], temperature: 0, ...about.body },
      hints: about.user === undefined ? {} : { user: about.user },
      ...(about.tokenLimit === undefined ? {} : { tokenLimit: about.tokenLimit }),
    },
    ...(lease === 'none' ? {} : { lease }),
    ...(home === undefined ? {} : { home }),
  } as unknown as Admitted
  let holds = 0
  const edge = {
    keys: KEYS,
    runtime: { now: () => NOW_MS },
    mesh: { config, mode: { kind: 'dev' } },
    leases: {
      hold() {
        holds += 1
        return Promise.resolve(
          about.renewed === undefined ? { kind: 'unreachable' } : { kind: 'held', lease: about.renewed },
        )
      },
    },
    waitUntil: () => undefined,
  } as unknown as Edge
  return {
    context,
    edge,
    get holds() {
      return holds
    },
  }
}

async function sharingOf(about: About = {}): Promise<Sharing> {
  const { context, edge } = setUp(about)
  return (await fingerprintRequest(context, edge)).sharing
}

async function shared(about: About = {}) {
  const sharing = await sharingOf(about)
  return must(sharing.kind === 'shared' ? sharing : undefined)
}

const nameOf = async (about: About = {}): Promise<string> => (await shared(about)).fingerprint
const SAMPLED = { body: { temperature: 1 } }

describe('a request whose answer a repetition would give again', () => {
  test('is shared, near where it arrives, for the time of its model', async () => {
    expect(await shared()).toEqual({
      kind: 'shared',
      fingerprint: await nameOf(),
      home: { region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: false },
      lease: LEASE,
      ttlSeconds: 3600,
    })
    expect((await shared({ colo: 'IAD' })).home.region).toBe('us-east')
  })

  test('has a name of 43 characters, the same wherever it arrives and whoever of the tenant sends it', async () => {
    const name = await nameOf()
    expect(name).toMatch(/^[A-Za-z0-9_-]{43}$/)
    for (const same of [
      { colo: 'SIN' },
      { keyId: 'k2' },
      { run: 'run 2' },
      { user: 'somebody' },
      { tokenLimit: 7, body: { max_tokens: 7 } },
      { isResumable: true },
      { idempotencyKey: 'order 1' },
    ]) {
      expect(await nameOf(same)).toBe(name)
    }
  })

  test('has another name when anything that changes the answer, or who may have it, is another', async () => {
    const names = await Promise.all(
      [
        {},
        { body: { messages: [{ role: 'user', content: 'Hi!' }] } },
        { body: { top_p: 0.5 } },
        { tenant: 'eu-bank' as const },
        { narrow: ['eu'] },
        { lease: { ...LEASE, epoch: 4 } },
      ].map((about) => nameOf(about)),
    )
    expect(new Set(names).size).toBe(names.length)
  })

  test('may be kept for less time, and no longer, by its client’s wish', async () => {
    expect((await shared({ headers: { 'x-mesh-cache-ttl': '60' } })).ttlSeconds).toBe(60)
    expect((await shared({ headers: { 'x-mesh-cache-ttl': '86400' } })).ttlSeconds).toBe(3600)
  })
})

describe('the scope', () => {
  const scoped = (scope: string) => ({
    config: { tenants: [{ id: 'demo', floor: { anywhere: true }, cache: { scope } }] },
  })

  test('of a key, or of a user, keeps answers apart', async () => {
    expect(await nameOf({ ...scoped('key'), keyId: 'k1' })).not.toBe(
      await nameOf({ ...scoped('key'), keyId: 'k2' }),
    )
    expect(await nameOf({ ...scoped('user'), user: 'a' })).not.toBe(
      await nameOf({ ...scoped('user'), user: 'b' }),
    )
    // Who names no user shares with nobody but others who name none.
    expect(await nameOf(scoped('user'))).toBe(await nameOf(scoped('user')))
    expect(await nameOf(scoped('user'))).not.toBe(await nameOf({ ...scoped('user'), user: 'a' }))
  })
})

describe('a request whose answer nobody else gets', () => {
  test.each<[string, About, string]>([
    ['sampled', SAMPLED, 'sampled'],
    ['with the cache off', { headers: { 'x-mesh-cache': 'off' } }, 'off'],
    ['with no-store', { headers: { 'cache-control': 'no-store' } }, 'no_store'],
    [
      'by the policy of its tenant',
      { config: { tenants: [{ id: 'demo', floor: { anywhere: true }, cache: { mode: 'off' } }] } },
      'policy',
    ],
    [
      'with something that only a URL names',
      {
        body: {
          messages: [
            { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a.test/b.png' } }] },
          ],
        },
      },
      'url_content',
    ],
  ])('%s, is private, and says why', async (_name, about, detail) => {
    expect(await sharingOf(about)).toEqual({ kind: 'private', detail })
  })

  test.each<[string, About, string]>([
    ['sampled', SAMPLED, 'sampled'],
    [
      'by the policy of its tenant',
      { config: { tenants: [{ id: 'demo', floor: { anywhere: true }, cache: { mode: 'off' } }] } },
      'policy',
    ],
  ])('%s, has a log of its own when its client may come back', async (_name, about, alone) => {
    const own = await shared({ ...about, isResumable: true })
    expect(own).toMatchObject({ alone, ttlSeconds: 600 })
    expect(own).not.toHaveProperty('claim')
    // Of each run alone, and of nothing that is shared.
    const again = await shared({ ...about, isResumable: true, run: 'run 2' })
    expect(again.fingerprint).not.toBe(own.fingerprint)
    expect(own.fingerprint).not.toBe(await nameOf({ ...about, config: {}, body: { temperature: 0 } }))
  })

  test.each<[string, About]>([
    ['with the cache off', { headers: { 'x-mesh-cache': 'off' } }],
    ['with no-store', { headers: { 'cache-control': 'no-store' } }],
  ])('%s, has none even so: nothing is to be kept', async (_name, about) => {
    for (const body of [{ temperature: 0 }, { temperature: 1 }]) {
      const asked = { ...about, body, isResumable: true, idempotencyKey: 'order 1' }
      expect((await sharingOf(asked)).kind).toBe('private')
    }
  })

  test('may be kept for less time by its client’s wish', async () => {
    const about = { ...SAMPLED, isResumable: true, headers: { 'x-mesh-cache-ttl': '60' } }
    expect((await shared(about)).ttlSeconds).toBe(60)
  })
})

describe('an Idempotency-Key', () => {
  const sent = { ...SAMPLED, idempotencyKey: 'order 1' }

  test('gives a sampled request a log that the same key finds again, for the time of such keys', async () => {
    const first = await shared(sent)
    expect(first).toMatchObject({ alone: 'sampled', ttlSeconds: 86_400 })
    expect(await shared({ ...sent, run: 'run 2', colo: 'SIN' })).toEqual(first)
  })

  test.each<[string, About]>([
    ['another key', { idempotencyKey: 'order 2' }],
    ['another API key', { keyId: 'k2' }],
    ['another body', { body: { temperature: 1, top_p: 0.5 } }],
  ])('with %s finds another', async (_name, changes) => {
    expect(await nameOf({ ...sent, ...changes })).not.toBe(await nameOf(sent))
  })

  test('claims the request, its limit included, under a name of the API key', async () => {
    const { claim } = await shared(sent)
    const claimOf = async (changes: About) => (await shared({ ...sent, ...changes })).claim
    expect(claim?.name).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(await claimOf({ run: 'run 2' })).toEqual(claim)
    const limited = await claimOf({ tokenLimit: 7 })
    expect(limited?.name).toBe(claim?.name)
    expect(limited?.request).not.toBe(claim?.request)
    const other = await claimOf({ body: { temperature: 1, top_p: 0.5 } })
    expect(other?.name).toBe(claim?.name)
    expect(other?.request).not.toBe(claim?.request)
    expect((await claimOf({ keyId: 'k2' }))?.name).not.toBe(claim?.name)
    expect((await claimOf({ tenant: 'eu-bank' }))?.name).not.toBe(claim?.name)
    // The client's own words are in neither.
    expect(JSON.stringify(claim)).not.toContain('order')
  })

  test('of a request that is shared claims it too, and changes neither its name nor its time', async () => {
    const own = await shared({ idempotencyKey: 'order 1' })
    expect(own).toMatchObject({ fingerprint: await nameOf(), ttlSeconds: 3600 })
    expect(own).not.toHaveProperty('alone')
    expect(own.claim).toBeDefined()
  })

  test('has its log in one place of the world, be the body another or the data centre', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const homes = await Promise.all(
        [
          { colo: 'FRA' },
          { colo: 'IAD' },
          { colo: 'SIN' },
          { body: { temperature: 1, top_p: 0.5 } },
          { body: { temperature: 0 } },
        ].map(async (changes) => (await shared({ ...sent, ...changes, idempotencyKey: key })).home.region),
      )
      expect(new Set(homes).size).toBe(1)
    }
  })
})

describe('with coalesce = "world"', () => {
  const world = {
    config: { models: [{ id: 'story', context_length: 32_768, cache: { coalesce: 'world' } }] },
  }

  test('a log has one home, wherever it is asked for, and homes are spread', async () => {
    const homes = new Set<string>()
    for (let index = 0; index < 30; index += 1) {
      const body = { messages: [{ role: 'user', content: `Question ${index}` }] }
      const [one, two, three] = await Promise.all(
        ['FRA', 'IAD', 'SIN'].map(async (colo) => (await shared({ ...world, colo, body })).home.region),
      )
      expect([two, three]).toEqual([one, one])
      homes.add(must(one))
    }
    expect(homes.size).toBe(3)
  })

  test('it is where a restricted request may be kept', async () => {
    for (let index = 0; index < 10; index += 1) {
      const body = { messages: [{ role: 'user', content: `Question ${index}` }] }
      const { home } = await shared({ ...world, tenant: 'eu-bank', body })
      expect(home).toEqual({ region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: true })
    }
  })

  test('a tenant’s own word counts before that of the model', async () => {
    const config = {
      ...world.config,
      tenants: [{ id: 'demo', floor: { anywhere: true }, cache: { coalesce: 'region' } }],
    }
    for (const colo of ['FRA', 'IAD', 'SIN']) {
      const { home } = await shared({ config, colo })
      expect(home.region).toBe({ FRA: 'eu-central', IAD: 'us-east', SIN: 'ap-southeast' }[colo])
    }
  })
})

describe('without what a log needs', () => {
  test.each<[string, About, string]>([
    ['a place to keep it', { hasHome: false }, 'no_home'],
    ['a lease', { lease: 'none' }, 'no_lease'],
    ['a lease that still runs', { lease: { ...LEASE, expiresAtMs: NOW_MS } }, 'no_lease'],
    [
      'a place, though its client may come back',
      { ...SAMPLED, isResumable: true, hasHome: false },
      'no_home',
    ],
  ])('%s, it is private, and says so', async (_name, about, detail) => {
    expect(await sharingOf(about)).toEqual({ kind: 'private', detail })
  })

  test('what is private anyway says that, whatever else is missing', async () => {
    expect(await sharingOf({ ...SAMPLED, lease: 'none' })).toEqual({ kind: 'private', detail: 'sampled' })
  })

  test('a lease that ran out while the body came is asked for again, and its epoch counts', async () => {
    const renewed = { ...LEASE, epoch: 9, expiresAtMs: NOW_MS + 5000 }
    const made = setUp({ lease: { ...LEASE, expiresAtMs: NOW_MS }, renewed })
    const { sharing } = await fingerprintRequest(made.context, made.edge)
    expect(made.holds).toBe(1)
    expect(sharing).toMatchObject({ kind: 'shared', lease: renewed })
    expect(sharing).not.toMatchObject({ fingerprint: await nameOf() })
  })
})

test('which version answers does not hang on where it arrives or who sends it', async () => {
  const config = {
    models: [
      {
        id: 'story',
        context_length: 32_768,
        versions: [
          { id: 'a', weight: 1 },
          { id: 'b', weight: 1 },
        ],
      },
    ],
  }
  const versions = new Set<string>()
  for (let index = 0; index < 20; index += 1) {
    const body = { messages: [{ role: 'user', content: `Question ${index}` }], temperature: 0.5 }
    const picked = await Promise.all(
      [{ colo: 'FRA' }, { colo: 'SIN', keyId: 'k2', run: 'run 2', isResumable: true }].map(async (about) => {
        const { context, edge } = setUp({ config, body, ...about })
        return (await fingerprintRequest(context, edge)).modelVersion
      }),
    )
    expect(picked[1]).toBe(picked[0])
    versions.add(must(picked[0]))
  }
  expect(versions).toEqual(new Set(['a', 'b']))
})
