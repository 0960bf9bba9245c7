/** No object is reached outside the jurisdiction its home demands, in any mode. */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import type { MeshMode } from '../../../shared/config/mode.ts'
import type { Home } from '../../../shared/residency/home.ts'
import type { Region } from '../../../shared/schema/mesh.ts'
import { createStubs } from '../../../workers/objects/stubs.ts'

const RESTRICTED: Home = { region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: true }
const FREE: Home = { ...RESTRICTED, enforceJurisdiction: false }

function nameOf(mode: MeshMode, home: Home): string | undefined {
  return createStubs(env, mode).logShard(home, 7).name
}

test('in dev a restricted home has objects of its own, told apart by name', () => {
  expect(nameOf({ kind: 'dev' }, RESTRICTED)).toBe('eu:log/eu-central/7')
  expect(nameOf({ kind: 'dev' }, FREE)).toBe('log/eu-central/7')
})

test('on one’s own machines only the jurisdiction of the machine is served', () => {
  expect(nameOf({ kind: 'single', jurisdiction: 'eu' }, RESTRICTED)).toBe('log/eu-central/7')
  expect(() => nameOf({ kind: 'single', jurisdiction: 'us' }, RESTRICTED)).toThrow()
})

test('on Cloudflare a jurisdiction that the platform does not enforce is an error, not a fallback', () => {
  // This runtime knows no jurisdictions: exactly the case in which nothing may be stored.
  expect(() => nameOf({ kind: 'cloudflare' }, RESTRICTED)).toThrow(/[Jj]urisdiction/)
  expect(nameOf({ kind: 'cloudflare' }, FREE)).toBe('log/eu-central/7')
})

test('a ledger is named by what it is given, in the home’s jurisdiction', () => {
  const stubs = createStubs(env, { kind: 'dev' })
  expect(stubs.tenantLedger(RESTRICTED, 'abc').name).toBe('eu:ledger/abc')
})

test('a monitor is named by what it watches, in every mode: nothing of a request reaches it', () => {
  const region = { id: 'us-east', location_hint: 'enam' } as Region
  for (const mode of [
    { kind: 'dev' },
    { kind: 'single', jurisdiction: 'eu' },
    { kind: 'cloudflare' },
  ] as const) {
    const stubs = createStubs(env, mode)
    expect(stubs.regionMonitor(region).name).toBe('region/us-east')
    expect(stubs.poolMonitor(region, 'gpu-1').name).toBe('pool/gpu-1')
  }
})
