import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inputBytes } from '../../../shared/embedding/input-size.ts'

test('a text is as large as its UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(inputBytes(text)).toBe(Buffer.byteLength(text))
    }),
  )
})

test('token ids count by themselves', () => {
  expect(inputBytes([1, 50_000, 3])).toBe(3)
})
