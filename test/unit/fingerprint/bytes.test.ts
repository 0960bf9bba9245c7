import fc from 'fast-check'
import { expect, test } from 'vitest'
import { base64Url, concatBytes } from '../../../shared/fingerprint/bytes.ts'

test('writes base64url as the runtime does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      expect(base64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
    }),
  )
  expect(base64Url(Uint8Array.of(0xfb, 0xff))).toBe('-_8')
})

test('puts bytes one after another', () => {
  expect(concatBytes([Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3)])).toEqual(
    Uint8Array.of(1, 2, 3),
  )
})
