/** No request waits while a lease is live; none acts under one that has run out; none relies on what another began. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LEASE_TTL_MS, type EpochGrant } from '../../../../shared/lease/lease.ts'
import type { Tenant } from '../../../../shared/schema/mesh.ts'
import type { Mesh } from '../../../../workers/mesh.ts'
import type { Stubs } from '../../../../workers/objects/stubs.ts'
import { createLeaseStore } from '../../../../workers/stores/lease-store.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'
import { aRuntime } from '../a-runtime.ts'

const granted = (epoch: number): EpochGrant => ({ epoch, wrappedKey: `key of ${epoch}` })

function setUp(grantLease: () => Promise<EpochGrant>, mode: Mesh['mode'] = { kind: 'dev' }) {
  const config = aMeshConfig({
    'eu-central': 'http://a.test',
    'us-east': 'http://b.test',
    'ap-southeast': 'http://c.test',
  })
  const runtime = aRuntime()
  let grants = 0
  const ledger = {
    grantLease: () => {
      grants += 1
      return grantLease()
    },
  }
  const stubs = { tenantLedger: () => ledger } as unknown as Stubs
  const keys = { of: () => Promise.resolve({ key: new Uint8Array(), cacheSalt: '', objectName: 'name' }) }
  const store = createLeaseStore({ config, mode } as Mesh, stubs, runtime, keys)
  const background: Promise<unknown>[] = []
  const [tenant] = config.tenants
  if (tenant === undefined) throw new Error('no tenant')
  return {
    runtime,
    background,
    tenant,
    hold: (who: Tenant = tenant) => store.hold(who, 'cfg_1', (work) => background.push(work)),
    grants: () => grants,
  }
}

test('asks once, and then holds without asking for half of the lease', async () => {
  const { runtime, background, hold, grants } = setUp(() => Promise.resolve(granted(3)))
  expect(await hold()).toMatchObject({
    kind: 'held',
    lease: { epoch: 3, wrappedKey: 'key of 3', configVersion: 'cfg_1' },
  })
  runtime.advance(LEASE_TTL_MS / 2 - 1)
  expect((await hold()).kind).toBe('held')
  expect(grants()).toBe(1)
  expect(background).toEqual([])
})

test('renews in the background from half of the lease on, once for all requests of a second', async () => {
  const { runtime, background, hold, grants } = setUp(() => Promise.resolve(granted(1)))
  await hold()
  runtime.advance(LEASE_TTL_MS / 2)
  await Promise.all([hold(), hold(), hold()])
  expect(background).toHaveLength(1)
  await Promise.all(background)
  expect(grants()).toBe(2)
  runtime.advance(LEASE_TTL_MS / 2)
  expect((await hold()).kind).toBe('held')
})

test('an expired lease is not held: every request asks for itself', async () => {
  let epoch = 1
  const { runtime, hold, grants } = setUp(() => Promise.resolve(granted(epoch)))
  await hold()
  runtime.advance(LEASE_TTL_MS)
  epoch = 2
  const held = await Promise.all([hold(), hold()])
  expect(held).toMatchObject([{ lease: { epoch: 2 } }, { lease: { epoch: 2 } }])
  expect(grants()).toBe(3)
})

test('a lease counts from when it was asked for, however long the answer took', async () => {
  const late = Promise.withResolvers<EpochGrant>()
  const { runtime, hold } = setUp(() => late.promise)
  const asked = runtime.now()
  const held = hold()
  await Promise.resolve()
  runtime.advance(1_000)
  late.resolve(granted(1))
  expect(await held).toMatchObject({ lease: { expiresAtMs: asked + LEASE_TTL_MS } })
})

test('an older answer that arrives later does not replace a newer one', async () => {
  const answers = [Promise.withResolvers<EpochGrant>(), Promise.withResolvers<EpochGrant>()]
  let next = 0
  const { runtime, hold } = setUp(
    () => answers[next++]?.promise ?? Promise.reject(new Error('asked too often')),
  )
  const first = hold()
  await new Promise((resolve) => setTimeout(resolve, 0))
  runtime.advance(10)
  const second = hold()
  await new Promise((resolve) => setTimeout(resolve, 0))
  answers[1]?.resolve(granted(2))
  await second
  answers[0]?.resolve(granted(1))
  await first
  expect(await hold()).toMatchObject({ lease: { epoch: 2 } })
})

test('a ledger that fails at once is unavailable, and asked again by the next request', async () => {
  let fails = true
  const { hold } = setUp(() =>
    fails ? Promise.reject(new Error('its code was updated')) : Promise.resolve(granted(1)),
  )
  expect(await hold()).toEqual({ kind: 'unavailable' })
  fails = false
  expect((await hold()).kind).toBe('held')
})

test('a ledger that has too much to do is left alone for a second', async () => {
  const { runtime, hold, grants } = setUp(() =>
    grants() === 1
      ? Promise.reject(Object.assign(new Error('busy'), { overloaded: true }))
      : Promise.resolve(granted(1)),
  )
  expect(await hold()).toEqual({ kind: 'unavailable' })
  runtime.advance(999)
  expect(await hold()).toEqual({ kind: 'unavailable' })
  expect(grants()).toBe(1)
  runtime.advance(1)
  expect((await hold()).kind).toBe('held')
})

describe('a ledger that hangs', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** A mesh whose ledger answers only when told, and a clock of which all parts go together. */
  function aHangingLedger() {
    const asked: ReturnType<typeof Promise.withResolvers<EpochGrant>>[] = []
    const mesh = setUp(() => {
      const answer = Promise.withResolvers<EpochGrant>()
      asked.push(answer)
      return answer.promise
    })
    return {
      ...mesh,
      asked,
      pass: async (ms: number) => {
        mesh.runtime.advance(ms)
        await vi.advanceTimersByTimeAsync(ms)
      },
    }
  }

  test('costs the first requests three seconds, and then one request a second', async () => {
    const { hold, grants, pass } = aHangingLedger()
    const first = [hold(), hold()]
    await pass(3000)
    expect(await Promise.all(first)).toEqual([{ kind: 'unavailable' }, { kind: 'unavailable' }])
    await pass(999)
    expect(await hold()).toEqual({ kind: 'unavailable' })
    expect(grants()).toBe(2)

    await pass(1)
    const waiting: Promise<unknown>[] = []
    for (let second = 1; second <= 3; second += 1) {
      waiting.push(hold())
      await pass(0)
      expect(grants()).toBe(2 + second)
      // All others of this second are told at once.
      for (const later of [0, 500, 499]) {
        await pass(later)
        expect(await hold()).toEqual({ kind: 'unavailable' })
      }
      expect(grants()).toBe(2 + second)
      await pass(1)
    }
    // What a request has waited for in vain is news, and remembered like the first time.
    await pass(0)
    expect(await hold()).toEqual({ kind: 'unavailable' })
    await pass(3000)
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 3 }, () => ({ kind: 'unavailable' })))
  })

  test('is asked as before once it has answered again', async () => {
    const { hold, asked, pass } = aHangingLedger()
    const first = hold()
    await pass(3000)
    await first
    await pass(1000)
    const second = hold()
    await pass(0)
    asked[1]?.resolve(granted(2))
    expect((await second).kind).toBe('held')
    await pass(LEASE_TTL_MS)
    const both = [hold(), hold()]
    await pass(0)
    expect(asked).toHaveLength(4)
    for (const answer of asked) answer.resolve(granted(2))
    expect(await Promise.all(both)).toMatchObject([{ kind: 'held' }, { kind: 'held' }])
  })

  test('during a renewal is noticed too: when the lease ends nobody waits', async () => {
    const { hold, asked, background, pass } = aHangingLedger()
    const first = hold()
    await pass(0)
    asked[0]?.resolve(granted(1))
    await first
    await pass(LEASE_TTL_MS - 1000)
    await hold()
    await pass(3000)
    await Promise.all(background)
    expect(asked).toHaveLength(2)
    expect(await hold()).toEqual({ kind: 'unavailable' })
    expect(asked).toHaveLength(2)
  })

  test('for one request, but has answered another that asked later, is asked as before', async () => {
    const { hold, asked, pass } = aHangingLedger()
    const hanging = hold()
    await pass(100)
    const later = hold()
    await pass(0)
    asked[1]?.resolve(granted(1))
    expect((await later).kind).toBe('held')
    await pass(2900)
    expect(await hanging).toEqual({ kind: 'unavailable' })
    await pass(LEASE_TTL_MS - 2900)
    const both = [hold(), hold()]
    await pass(0)
    for (const answer of asked) answer.resolve(granted(1))
    expect(await Promise.all(both)).toMatchObject([{ kind: 'held' }, { kind: 'held' }])
  })

  test('is asked by everyone again when that was some seconds ago', async () => {
    const { hold, asked, pass } = aHangingLedger()
    const first = hold()
    await pass(3000)
    await first
    await pass(1000 + 3000)
    const both = [hold(), hold()]
    await pass(0)
    for (const answer of asked) answer.resolve(granted(1))
    expect(await Promise.all(both)).toMatchObject([{ kind: 'held' }, { kind: 'held' }])
  })

  test('keeps no request of another tenant waiting', async () => {
    const { hold, asked, tenant, pass } = aHangingLedger()
    const first = hold()
    await pass(3000)
    await first
    const other = hold({ ...tenant, id: 'other' })
    await pass(0)
    asked[1]?.resolve(granted(1))
    expect(await other).toMatchObject({ kind: 'held', lease: { tenant: 'other' } })
  })
})

test('where nothing of a tenant can be stored no lease is needed, and no ledger asked', async () => {
  const { tenant, hold, grants } = setUp(() => Promise.resolve(granted(1)), { kind: 'cloudflare' })
  // Cloudflare enforces no jurisdiction of this name.
  expect(await hold({ ...tenant, floor: { jurisdictions: ['sg'] } })).toEqual({ kind: 'not_needed' })
  expect(grants()).toBe(0)
})
