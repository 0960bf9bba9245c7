import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decode,
  encode,
  isToken,
  SPECIAL_TOKENS,
  tokenText,
} from '../../../../tools/local/engine/tokenizer.ts'

/** Any UTF-16, lone surrogates too, with the characters that the rules look at made frequent. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', 'Z', ' ', '\n', '\t', '.', '7', 'é', '🌊', '\ud83c', '\udf0a') }),
)

describe('the tokenizer', () => {
  test.each([
    ['', []],
    ['hello', ['hello']],
    [' lighthouse keeper', [' light', 'house', ' keepe', 'r']],
    ['a  b\n\nc', ['a', ' ', ' b', '\n', '\n', 'c']],
    ['in 1907, so', ['in', ' 1', '9', '0', '7', ',', ' so']],
    ['café — 🌊', ['caf', 'é', ' —', ' 🌊']],
  ])('splits %j as it should', (text, pieces) => {
    expect(encode(text).map(tokenText)).toEqual(pieces)
  })

  test('gives every text back, also one cut between the halves of a character', () => {
    fc.assert(fc.property(anyText, (text) => decode(encode(text)) === text))
  })

  test('makes the tokens of a prefix that ends at a token a prefix of the tokens', () => {
    fc.assert(
      fc.property(anyText, fc.nat(), (text, at) => {
        // A lone first half would join the second half after it; that is a cut inside a token.
        const tokens = encode(text.toWellFormed())
        const prefix = tokens.slice(0, at % (tokens.length + 1))
        expect(encode(decode(prefix))).toEqual(prefix)
      }),
    )
  })

  test('never makes a special token from text, and keeps ids within 32 bits', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const token of encode(text)) {
          expect(token).toBeGreaterThanOrEqual(16)
          expect(token).toBeLessThan(2 ** 31)
          expect(isToken(token)).toBe(true)
        }
      }),
    )
    expect(Math.max(...encode(' ZZZZZ'))).toBeLessThan(2 ** 31)
  })

  test('knows which ids are tokens', () => {
    expect(isToken(SPECIAL_TOKENS.assistant)).toBe(true)
    for (const id of [-1, 1.5, 9, 15, 2_299_000, 2_300_000, 2 ** 31, Number.NaN])
      expect(isToken(id)).toBe(false)
  })

  test('makes about one token of four characters of English', () => {
    const text = 'The lantern beside the old bridge remembered the captain, because the harbour was empty. '
    const perToken = text.length / encode(text).length
    expect(perToken).toBeGreaterThan(3.5)
    expect(perToken).toBeLessThan(5)
  })
})
