import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatCapnp } from '../../../../tools/serve/capnp.ts'

test('values are written as Cap’n Proto’s text form has them', () => {
  expect(formatCapnp({ name: 'a', on: true, count: 3, file: { embed: 'a.js' }, none: [], http: {} })).toBe(
    '(name = "a", on = true, count = 3, file = embed "a.js", none = [], http = ())',
  )
  expect(formatCapnp([{ name: 'a' }, 'b'])).toBe('[\n  (name = "a"),\n  "b",\n]')
})

test('nothing in a text can end it', () => {
  expect(formatCapnp('a"b\\c\nd é')).toBe(String.raw`"a\"b\\c\x0ad \xc3\xa9"`)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(formatCapnp(text)).toMatch(/^"(?:[ !#-[\]-~]|\\["\\]|\\x[0-9a-f]{2})*"$/)
    }),
  )
})
