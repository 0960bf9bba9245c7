import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalize } from '../../../shared/fingerprint/canonicalize.ts'

test.each([
  [{ b: 1, a: [2, 1] }, '{"a":[2,1],"b":1}'],
  [{ '\u{1f600}': 1, '\ufb33': 2, '\u20ac': 3 }, '{"\u20ac":3,"\u{1f600}":1,"\ufb33":2}'],
  [{ 10: 1, 9: 2, '': 3 }, '{"":3,"10":1,"9":2}'],
  [{ a: undefined, b: null }, '{"b":null}'],
  [[-0, 1e21, 1e-7, 0.1, 1.0], '[0,1e+21,1e-7,0.1,1]'],
  [Infinity, 'null'],
  ['\ud800', '"\\ud800"'],
  ['\u2028/"\\\u0007', '"\u2028/\\"\\\\\\u0007"'],
])('writes %j as RFC 8785 does', (value, text) => {
  expect(canonicalize(value)).toBe(text)
})

test('is JSON of the same value, and the same text for it again', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = canonicalize(value)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(canonicalize(JSON.parse(text))).toBe(text)
    }),
  )
})
