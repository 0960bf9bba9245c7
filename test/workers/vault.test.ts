/** The vault on the runtime's own WebCrypto: the same bytes as on Node, and the same silence about what does not open. */
import { expect, test } from 'vitest'
import { createVault } from '../../workers/vault/vault.ts'
import vectors from '../fixtures/vault/vectors.json' with { type: 'json' }

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16))

test.each(vectors)('opens the vector in scope $scope, and no other', async (vector) => {
  const vault = createVault({ current: utf8(vector.masterSecret) })
  const cipher = await vault.cipher(vector.wrappedKey, vector.scope)
  const sealed = bytesOf(vector.sealedHex)
  const opened = await cipher?.open(vector.label, sealed)
  expect(opened && new TextDecoder().decode(opened)).toBe(vector.plain)
  expect(await cipher?.open(`${vector.label}.`, sealed)).toBeUndefined()
  expect(await cipher?.open(vector.label, sealed.subarray(1))).toBeUndefined()
  expect(await cipher?.open(vector.label, new Uint8Array())).toBeUndefined()
  expect(await vault.renew(vector.wrappedKey, vector.context)).toBe(vector.wrappedKey)
  expect(await vault.renew(vector.wrappedKey, `${vector.context}.`)).toBeUndefined()
})

test('seals a whole segment, and opens it', async () => {
  const vault = createVault({ current: utf8('a secret of thirty-two characters') })
  const cipher = await vault.cipher(await vault.newWrappedKey('a ledger'), 'take-1')
  const plain = new Uint8Array(1024 * 1024).fill(7)
  const sealed = await cipher?.seal('segment 0', plain)
  expect(sealed?.length).toBe(plain.length + 28)
  const opened = await cipher?.open('segment 0', sealed ?? new Uint8Array())
  expect(opened?.every((byte) => byte === 7)).toBe(true)
  expect(opened).toHaveLength(plain.length)
})
