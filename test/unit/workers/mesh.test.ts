/** A mesh starts whole or not at all, and says every mistake at once. */
import { expect, test } from 'vitest'
import type { Environment } from '../../../workers/environment.ts'
import { startMesh } from '../../../workers/mesh.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'

const MESH = aMeshConfig({
  'eu-central': 'http://10.0.0.1',
  'us-east': 'http://10.0.0.2',
  'ap-southeast': 'http://10.0.0.3',
})
const CONFIG = JSON.stringify(MESH)
const ALWAYS = JSON.stringify({
  ...MESH,
  tenants: MESH.tenants.map((tenant) => ({ ...tenant, receipts: 'always' })),
})
const TRACED = JSON.stringify({
  ...MESH,
  telemetry: {
    exporters: [
      {
        id: 'eu',
        jurisdictions: ['eu'],
        url: 'https://otlp.example.com/v1/traces',
        auth: 'secret:TELEMETRY_EU',
      },
    ],
  },
})
const SECRET = 'a secret of thirty-two characters'

/** An environment with these text bindings; objects and KV are not needed to start. */
function environment(bindings: Readonly<Record<string, string>>): Environment {
  return bindings as unknown as Environment
}

const GOOD = {
  MESH_MODE: 'dev',
  MESH_FINGERPRINT_SECRET: SECRET,
  MESH_ENCRYPTION_SECRET: SECRET,
  MESH_ADMIN_TOKEN: SECRET,
}

test('starts with a mode, three secrets and a config, bundled or bound', async () => {
  const bundled = startMesh(environment(GOOD), CONFIG)
  const bound = startMesh(environment({ ...GOOD, MESH_CONFIG: CONFIG }), 'not looked at')
  expect(bundled.tenants.has('eu-bank')).toBe(true)
  expect([...bundled.poolHosts]).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  expect(await bundled.configVersion()).toMatch(/^cfg_[0-9a-f]{12}$/)
  expect(await bound.configVersion()).toBe(await bundled.configVersion())
})

test.each([
  ['no mode', { ...GOOD, MESH_MODE: '' }, /MESH_MODE/],
  ['an unknown mode', { ...GOOD, MESH_MODE: 'prod' }, /MESH_MODE/],
  ['no fingerprint secret', { ...GOOD, MESH_FINGERPRINT_SECRET: '' }, /MESH_FINGERPRINT_SECRET must be set/],
  ['no encryption secret', { ...GOOD, MESH_ENCRYPTION_SECRET: '' }, /MESH_ENCRYPTION_SECRET must be set/],
  [
    'a short previous encryption secret',
    { ...GOOD, MESH_ENCRYPTION_SECRET_PREVIOUS: 'short' },
    /MESH_ENCRYPTION_SECRET_PREVIOUS, if it is set/,
  ],
  ['a short admin token', { ...GOOD, MESH_ADMIN_TOKEN: 'short' }, /MESH_ADMIN_TOKEN must be set/],
  ['a receipt key that is no seed', { ...GOOD, MESH_RECEIPT_KEY: SECRET }, /MESH_RECEIPT_KEY must be 64/],
  [
    'receipts for every answer of a tenant and nothing to sign them with',
    { ...GOOD, MESH_CONFIG: ALWAYS },
    /Tenant "demo" has receipts = "always": set the secret MESH_RECEIPT_KEY/,
  ],
  [
    'an exporter whose secret is not bound',
    { ...GOOD, MESH_CONFIG: TRACED },
    /Exporter "eu": its secret \(auth = "secret:TELEMETRY_EU"\) is not bound/,
  ],
  ['a broken config', { ...GOOD, MESH_CONFIG: 'version = 2' }, /version/],
  ['private pools in the cloud', { ...GOOD, MESH_MODE: 'cloudflare' }, /pools\[0\] \("eu-central"\)\.url/],
])('refuses to start with %s', (_name, bindings, reason) => {
  expect(() => startMesh(environment(bindings), CONFIG)).toThrow(reason)
})

test('its vault opens what the previous encryption secret wrapped, if that is bound', async () => {
  const before = startMesh(environment({ ...GOOD, MESH_ENCRYPTION_SECRET: `${SECRET}, the first` }), CONFIG)
  const wrappedKey = await before.vault.newWrappedKey('a ledger')
  const between = startMesh(
    environment({ ...GOOD, MESH_ENCRYPTION_SECRET_PREVIOUS: `${SECRET}, the first` }),
    CONFIG,
  )
  const after = startMesh(environment(GOOD), CONFIG)
  expect(await between.vault.cipher(wrappedKey, 'a log')).toBeDefined()
  expect(await after.vault.cipher(wrappedKey, 'a log')).toBeUndefined()
})

test('says every mistake at once, and none of the secrets', () => {
  const bindings = { MESH_MODE: 'dev', MESH_ADMIN_TOKEN: 'hunter2', MESH_CONFIG: 'version = 2\nmodels = 1' }
  let message = ''
  try {
    startMesh(environment(bindings), CONFIG)
  } catch (error) {
    message = error instanceof Error ? error.message : ''
  }
  for (const part of [
    'version',
    'models',
    'MESH_FINGERPRINT_SECRET',
    'MESH_ENCRYPTION_SECRET',
    'MESH_ADMIN_TOKEN',
  ]) {
    expect(message).toContain(part)
  }
  expect(message).not.toContain('hunter2')
})

test('refuses to start when a secret that a pool names is not bound', () => {
  const config = JSON.parse(CONFIG) as { pools: { auth?: string }[] }
  for (const pool of config.pools.slice(0, 1)) pool.auth = 'secret:POOL_EU_CENTRAL'
  const text = JSON.stringify(config)
  expect(() => startMesh(environment(GOOD), text)).toThrow(/eu-central.*POOL_EU_CENTRAL.*not bound/)
  expect(startMesh(environment({ ...GOOD, POOL_EU_CENTRAL: 'key' }), text).config.pools).toHaveLength(3)
})

test('a pool’s missing secret is said together with what else is missing', () => {
  const config = JSON.parse(CONFIG) as { pools: { auth?: string }[] }
  for (const pool of config.pools.slice(0, 1)) pool.auth = 'secret:POOL_EU_CENTRAL'
  const bindings = { MESH_MODE: 'dev', MESH_ADMIN_TOKEN: SECRET }
  expect(() => startMesh(environment(bindings), JSON.stringify(config))).toThrow(
    /MESH_FINGERPRINT_SECRET(?:.|\n)*POOL_EU_CENTRAL/,
  )
})

test('refuses to start when a binding that a pool goes through is not bound, and says which of its names is missing', () => {
  const config = JSON.parse(CONFIG) as { pools: { auth?: string; url?: string; binding?: string }[] }
  const [pool] = config.pools
  Object.assign(pool ?? {}, { url: undefined, binding: 'ONPREM', auth: 'secret:POOL_ONPREM' })
  const text = JSON.stringify(config)
  const started = (bindings: object) => startMesh({ ...environment(GOOD), ...bindings }, text)
  const door = { fetch: () => Promise.reject(new Error('never asked here')) }
  expect(() => started({ POOL_ONPREM: 'key' })).toThrow(
    'Warmpath refuses to start:\n  Pool "eu-central": its binding "ONPREM" is not bound.',
  )
  expect(() => started({ POOL_ONPREM: 'key', ONPREM: 'a text' })).toThrow('its binding "ONPREM" is not bound')
  expect(() => started({ ONPREM: door })).toThrow('its secret (auth = "secret:POOL_ONPREM") is not bound')
  expect([...started({ POOL_ONPREM: 'key', ONPREM: door }).poolHosts]).toEqual([
    'eu-central.pool',
    '10.0.0.2',
    '10.0.0.3',
  ])
})
