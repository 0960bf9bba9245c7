/** Which log a request belongs to, for how long, where it is, and who else gets it; or why it belongs to none. */
import { describe, expect, test } from 'vitest'
import { fingerprintRequest } from '../../../../workers/stages/fingerprint.ts'
import { must } from '../a-dispatch.ts'
import { LEASE, nameOf, NOW_MS, SAMPLED, setUp, shared, sharingOf, type About } from '../an-admitted.ts'

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

describe('what the tenant says about storage', () => {
  const limited = (limits: object): About => ({
    config: { tenants: [{ id: 'demo', floor: { anywhere: true }, ...limits }] },
  })

  test('bounds every time to live', async () => {
    const about = limited({ retention_seconds: 60 })
    expect((await shared(about)).ttlSeconds).toBe(60)
    expect((await shared({ ...about, headers: { 'x-mesh-cache-ttl': '5' } })).ttlSeconds).toBe(5)
    expect((await shared({ ...about, ...SAMPLED, isResumable: true })).ttlSeconds).toBe(60)
    expect((await shared({ ...about, ...SAMPLED, idempotencyKey: 'order 1' })).ttlSeconds).toBe(60)
  })

  test('keeps apart what may be at home only and what may be copied', async () => {
    expect(await nameOf(limited({ storage: 'home' }))).not.toBe(await nameOf())
  })

  test('may leave no place for it', async () => {
    const about = limited({ storage: 'none' })
    expect(await sharingOf(about)).toEqual({ kind: 'private', detail: 'no_home' })
    expect(await sharingOf({ ...about, isResumable: true })).toEqual({ kind: 'private', detail: 'no_home' })
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
