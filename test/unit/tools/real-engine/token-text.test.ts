import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTokenText } from '../../../../tools/real-engine/token-text.ts'

/** Tokens of a byte each, which real vocabularies have for what they have no other token for. */
const decode = (tokens: readonly number[]) =>
  new TextDecoder('utf-8', { ignoreBOM: true, fatal: false }).decode(Uint8Array.from(tokens))

/** Of each length, and both ends of it. */
const CHARACTER = fc.constantFrom(
  'a',
  '\x7f',
  '\x80',
  'é',
  '\u07ff',
  '\u0800',
  '€',
  '\uffff',
  '\u{10000}',
  '😀',
  '\u{10ffff}',
)

function piecesOf(bytes: Iterable<number>): string[] {
  const text = createTokenText(decode)
  return Array.from(bytes, (byte) => text.push(byte))
}

const bytesOf = (text: string) => new TextEncoder().encode(text)

describe('the text of tokens', () => {
  test('comes by whole characters', () => {
    expect(piecesOf(bytesOf('aé€😀b'))).toEqual(['a', '', 'é', '', '', '€', '', '', '', '😀', 'b'])
  })

  test('leaves out a character that is not complete when the tokens end', () => {
    expect(piecesOf(bytesOf('a😀').subarray(0, 4)).join('')).toBe('a')
  })

  test('says that bytes are none with the next token', () => {
    expect(piecesOf([0x80, 0x61])).toEqual(['', '\uFFFDa'])
    expect(piecesOf([0xf0, 0x9f, 0x61])).toEqual(['', '', '\uFFFDa'])
  })

  test('knows a character behind any number of bytes that are none', () => {
    expect(piecesOf([0x80, 0x80, 0x80, 0x80, 0x80, ...bytesOf('😀')]).join('')).toBe(
      `${'\uFFFD'.repeat(5)}😀`,
    )
  })

  test('joins to the whole text, and no piece has half a character', () => {
    fc.assert(
      fc.property(fc.array(CHARACTER), (characters) => {
        const text = characters.join('')
        const pieces = piecesOf(bytesOf(text))
        expect(pieces.join('')).toBe(text)
        expect(pieces.every((piece) => piece.isWellFormed())).toBe(true)
      }),
    )
  })

  test('joins to what the bytes say, less what is open at the end, for any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 255 })), (bytes) => {
        const whole = decode(bytes)
        const given = piecesOf(bytes).join('')
        expect([given, `${given}\uFFFD`]).toContain(whole)
      }),
    )
  })
})
