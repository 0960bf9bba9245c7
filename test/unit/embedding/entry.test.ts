import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEntry, encodeEntry, type EmbeddingEntry } from '../../../shared/embedding/entry.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const entry: EmbeddingEntry = {
  vector: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64),
  promptTokens: 3,
  pool: 'eu-central',
  model: 'small',
  modelVersion: '1',
  createdAtMs: 1_000,
  expiresAtMs: 61_000,
}

test('what is kept is read as it was', () => {
  expect(decodeEntry(encodeEntry(entry, utf8), text)).toEqual(entry)
  const { promptTokens: _tokens, ...uncounted } = entry
  expect(decodeEntry(encodeEntry(uncounted, utf8), text)).toEqual(uncounted)
})

test('a vector that is part of a larger piece of memory is read from where it is', () => {
  const bytes = encodeEntry(entry, utf8)
  const larger = new Uint8Array(bytes.length + 7)
  larger.set(bytes, 3)
  expect(decodeEntry(larger.subarray(3, 3 + bytes.length), text)).toEqual(entry)
})

test('bytes of any kind are an entry or none, and never a failure', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(decodeEntry(bytes, text)).toBeUndefined()
    }),
  )
  const whole = encodeEntry(entry, utf8)
  for (let length = 0; length < whole.length; length += 1) {
    const cut = decodeEntry(whole.subarray(0, length), text)
    // Without its last float it is shorter, and still whole floats: what is stored is authenticated as a whole.
    if (length !== whole.length - 4) expect(cut).toBeUndefined()
  }
})
