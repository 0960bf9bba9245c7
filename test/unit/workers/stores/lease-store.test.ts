/** No request waits while a lease is live; none acts under one that has run out; none relies on what another began. */
import { expect, test } from 'vitest'
import { LEASE_TTL_MS } from '../../../../shared/lease/lease.ts'
import type { Tenant } from '../../../../shared/schema/mesh.ts'
import type { Mesh } from '../../../../workers/mesh.ts'
import type { Stubs } from '../../../../workers/objects/stubs.ts'
import { createLeaseStore } from '../../../../workers/stores/lease-store.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'
import { aRuntime } from '../a-runtime.ts'

function setUp(grantLease: () => Promise<{ epoch: number }>, mode: Mesh['mode'] = { kind: 'dev' }) {
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
  const { runtime, background, hold, grants } = setUp(() => Promise.resolve({ epoch: 3 }))
  expect(await hold()).toMatchObject({ kind: 'held', lease: { epoch: 3, configVersion: 'cfg_1' } })
  runtime.advance(LEASE_TTL_MS / 2 - 1)
  expect((await hold()).kind).toBe('held')
  expect(grants()).toBe(1)
  expect(background).toEqual([])
})

test('renews in the background from half of the lease on, once for all requests of a second', async () => {
  const { runtime, background, hold, grants } = setUp(() => Promise.resolve({ epoch: 1 }))
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
  const { runtime, hold, grants } = setUp(() => Promise.resolve({ epoch }))
  await hold()
  runtime.advance(LEASE_TTL_MS)
  epoch = 2
  const held = await Promise.all([hold(), hold()])
  expect(held).toMatchObject([{ lease: { epoch: 2 } }, { lease: { epoch: 2 } }])
  expect(grants()).toBe(3)
})

test('a lease counts from when it was asked for, however long the answer took', async () => {
  const late = Promise.withResolvers<{ epoch: number }>()
  const { runtime, hold } = setUp(() => late.promise)
  const asked = runtime.now()
  const held = hold()
  await Promise.resolve()
  runtime.advance(1_000)
  late.resolve({ epoch: 1 })
  expect(await held).toMatchObject({ lease: { expiresAtMs: asked + LEASE_TTL_MS } })
})

test('an older answer that arrives later does not replace a newer one', async () => {
  const answers = [Promise.withResolvers<{ epoch: number }>(), Promise.withResolvers<{ epoch: number }>()]
  let next = 0
  const { runtime, hold } = setUp(
    () => answers[next++]?.promise ?? Promise.reject(new Error('asked too often')),
  )
  const first = hold()
  await new Promise((resolve) => setTimeout(resolve, 0))
  runtime.advance(10)
  const second = hold()
  await new Promise((resolve) => setTimeout(resolve, 0))
  answers[1]?.resolve({ epoch: 2 })
  await second
  answers[0]?.resolve({ epoch: 1 })
  await first
  expect(await hold()).toMatchObject({ lease: { epoch: 2 } })
})

test('a ledger that fails is unavailable, and asked again by the next request', async () => {
  let fails = true
  const { hold } = setUp(() =>
    fails ? Promise.reject(new Error('overloaded')) : Promise.resolve({ epoch: 1 }),
  )
  expect(await hold()).toEqual({ kind: 'unavailable' })
  fails = false
  expect((await hold()).kind).toBe('held')
})

test('where nothing of a tenant can be stored no lease is needed, and no ledger asked', async () => {
  const { tenant, hold, grants } = setUp(() => Promise.resolve({ epoch: 1 }), { kind: 'cloudflare' })
  // Cloudflare enforces no jurisdiction of this name.
  expect(await hold({ ...tenant, floor: { jurisdictions: ['sg'] } })).toEqual({ kind: 'not_needed' })
  expect(grants()).toBe(0)
})
