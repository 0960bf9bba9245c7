/** Digests and secret comparison as the runtime has them, and keys found by them. */
import { describe, expect, test } from 'vitest'
import { tenantOfKey } from '../../shared/schema/api-key.ts'
import { isEqualSecret, sha256Hex, webCryptoDigests } from '../../workers/digests.ts'
import type { Mesh } from '../../workers/mesh.ts'
import { productionRuntime } from '../../workers/runtime.ts'
import { identify } from '../../workers/stages/authenticate.ts'
import { createKeyGuesses } from '../../workers/stores/key-guesses.ts'
import { KEYS } from '../support/keys.ts'
import { aMeshConfig } from '../support/mesh-config.ts'

test('SHA-256 and HMAC give the published vectors', async () => {
  // FIPS 180-2 "abc"; RFC 4231 test case 2.
  expect(await sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  const hmac = await webCryptoDigests.hmacSha256(
    webCryptoDigests.utf8('Jefe'),
    webCryptoDigests.utf8('what do ya want for nothing?'),
  )
  expect([...hmac].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
})

test.each([
  ['same', 'same', true],
  ['same', 'samE', false],
  ['same', 'same ', false],
  ['', '', true],
  ['', 'x', false],
  ['a\0', 'a', false],
  ['é', 'e\u0301', false],
])('%j and %j are equal secrets: %s', async (left, right, isEqual) => {
  expect(await isEqualSecret(left, right)).toBe(isEqual)
})

describe('a key', () => {
  const config = aMeshConfig({
    'eu-central': 'http://a.test',
    'us-east': 'http://b.test',
    'ap-southeast': 'http://c.test',
  })
  const mesh = {
    config,
    tenants: new Map(config.tenants.map((tenant) => [tenant.id, tenant])),
  } as unknown as Mesh
  const edge = {
    mesh,
    tokens: { of: () => Promise.reject(new Error('no key is a token')) },
    leases: { hold: () => Promise.resolve({ kind: 'not_needed' as const }) },
    guesses: createKeyGuesses(productionRuntime, undefined),
    runtime: productionRuntime,
    waitUntil: () => undefined,
  }
  const identified = (authorization?: string) => {
    const headers = new Headers(authorization === undefined ? {} : { authorization })
    return identify({ headers, arrival: { host: 'a.test' }, configVersion: 'cfg_1' }, edge)
  }

  test.each(['Bearer', 'bearer', 'BEARER', 'Bearer  '])('is found after "%s"', async (scheme) => {
    expect(await identified(`${scheme} ${KEYS['eu-bank']}`)).toMatchObject({
      ok: true,
      value: { tenant: { id: 'eu-bank' }, keyId: 'k1' },
    })
  })

  test('that is missing is told from one that is wrong', async () => {
    expect(await identified()).toEqual({ ok: false, error: { reason: 'missing_api_key' } })
  })

  test.each([
    ['of no tenant', 'Bearer sk-mesh-nobody-0123456789abcdefghijABCDEFGHIJ'],
    ['of the tenant’s name and another secret', `Bearer sk-mesh-eu-bank-${KEYS.demo.slice(-10).repeat(4)}`],
    ['cut short', `Bearer ${KEYS.demo.slice(0, -1)}`],
    ['with more behind it', `Bearer ${KEYS.demo}A`],
    ['in another case', `Bearer ${KEYS.demo.toUpperCase()}`],
    ['twice', `Bearer ${KEYS.demo}, Bearer ${KEYS.demo}`],
    ['of another scheme', `Basic ${KEYS.demo}`],
    ['without a scheme', KEYS.demo],
    ['that is the tenant alone', 'Bearer sk-mesh-demo-'],
    ['that is a property of every object', 'Bearer sk-mesh-constructor-0123456789abcdefghijABCDEFGHIJ'],
    ['that is too long', `Bearer ${KEYS.demo}${'x'.repeat(300)}`],
    ['that is empty', 'Bearer '],
  ])('%s is not valid', async (_name, authorization) => {
    expect(await identified(authorization)).toEqual({ ok: false, error: { reason: 'invalid_api_key' } })
  })

  test('names its tenant even where tenants’ ids contain one another', () => {
    expect(tenantOfKey(KEYS['eu-bank'])).toBe('eu-bank')
  })
})
