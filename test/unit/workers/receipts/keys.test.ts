import { describe, expect, test } from 'vitest'
import { readReceiptKeys } from '../../../../workers/receipts/keys.ts'

const KEY = '00ff'.repeat(16)
const RETIRED = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
const NO_KEY = 'The secret MESH_RECEIPT_KEY must be 64 lower-case hex digits (openssl rand -hex 32).'
const NO_LIST =
  'MESH_RECEIPT_KEYS_RETIRED must be a document as /.well-known/jwks.json gives it: {"keys":[…]}, public Ed25519 keys only.'

const list = (...keys: readonly object[]): string => JSON.stringify({ keys })

describe('readReceiptKeys', () => {
  test('reads a seed, and no retired keys', () => {
    const seed = Uint8Array.from({ length: 32 }, (_, index) => (index % 2 === 0 ? 0 : 255))
    expect(readReceiptKeys({ key: KEY })).toEqual({ ok: true, value: { seed, retired: [] } })
  })

  test('reads the key list of an earlier time, less what is not the key', () => {
    const published = { ...RETIRED, kid: 'some', alg: 'EdDSA', use: 'sig' }
    expect(readReceiptKeys({ key: KEY, retired: list(published) })).toMatchObject({
      value: { retired: [RETIRED] },
    })
  })

  test.each(['', KEY.slice(1), `${KEY}00`, KEY.toUpperCase(), `${KEY}\n`, 'g'.repeat(64)])(
    'refuses the key %j without repeating it',
    (key) => {
      expect(readReceiptKeys({ key })).toEqual({ ok: false, error: [NO_KEY] })
    },
  )

  test.each([
    ['no JSON', 'x'],
    ['no list', JSON.stringify(RETIRED)],
    ['a private key', list({ ...RETIRED, d: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' })],
    ['a key of another kind', list({ ...RETIRED, crv: 'X25519' })],
    ['a key that is too short', list({ ...RETIRED, x: RETIRED.x.slice(1) })],
    ['a key with bits that no byte has', list({ ...RETIRED, x: `${RETIRED.x.slice(0, -1)}p` })],
  ])('refuses a list of retired keys that is, or has, %s', (_, retired) => {
    expect(readReceiptKeys({ key: KEY, retired })).toEqual({ ok: false, error: [NO_LIST] })
  })

  test('names every mistake', () => {
    expect(readReceiptKeys({ key: '', retired: '' })).toEqual({ ok: false, error: [NO_KEY, NO_LIST] })
  })
})
