import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBase64, encodeBase64 } from '../../../shared/embedding/base64.ts'

test('writes what Node writes, and reads it again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64')
      expect(encodeBase64(bytes)).toBe(text)
      expect(decodeBase64(text)).toEqual(bytes)
    }),
  )
})

test('writes more than one call takes arguments', () => {
  const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index)
  expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
  expect(Buffer.compare(decodeBase64(encodeBase64(bytes)) ?? Buffer.of(), bytes)).toBe(0)
})

test.each(['A', 'AA', 'AAA', 'A===', 'AA=A', '=AAA', 'AAAA=', 'AA A', 'AAA\n', 'AA-_', 'AAA\u00e4', '{}'])(
  '%j is no base64',
  (text) => {
    expect(decodeBase64(text)).toBeUndefined()
  },
)
