import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readJsonObject } from '../../../shared/stream/members.ts'

test('keeps each member as it was written: numbers, escapes, blanks and order', () => {
  const json = ' {"a" : 1.50e+02 ,\n"b":{"z":1,"a":[ 2,3 ]}, "c":"\\u00e9\\"}\\\\","d":[],"e":null,"f":-0} '
  expect(readJsonObject(json)?.members.map(({ text }) => text)).toEqual([
    '"a" : 1.50e+02',
    '"b":{"z":1,"a":[ 2,3 ]}',
    '"c":"\\u00e9\\"}\\\\"',
    '"d":[]',
    '"e":null',
    '"f":-0',
  ])
})

test('gives the value of each member verbatim', () => {
  expect(readJsonObject('{"usage" : {"n": 1.0} ,"x":true}')?.members.map(({ value }) => value)).toEqual([
    '{"n": 1.0}',
    'true',
  ])
})

test('resolves escapes in names, so that a disguised name is the name', () => {
  expect(
    readJsonObject('{"\\u0069d":1,"a\\"b":2,"":3,"__proto__":4}')?.members.map(({ key }) => key),
  ).toEqual(['id', 'a"b', '', '__proto__'])
})

test('lists a name written twice twice, and its value is the last', () => {
  const object = readJsonObject('{"a":1,"a":2}')
  expect(object?.members.map(({ value }) => value)).toEqual(['1', '2'])
  expect(object?.value.a).toBe(2)
})

test('finds no member in an empty object', () => {
  expect(readJsonObject('{}')?.members).toEqual([])
  expect(readJsonObject(' {\n} ')?.members).toEqual([])
})

test.each([
  '',
  ' ',
  'null',
  '1',
  '"{}"',
  '[{}]',
  '{',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{"a":1}}',
  '{"a":1} {"b":2}',
  '{a:1}',
  "{'a':1}",
  '{"a":"\n"}',
  '{"a":[}]}',
  '{"a":01}',
  '\uFEFF{}',
])('refuses what is not one complete JSON object: %j', (text) => {
  expect(readJsonObject(text)).toBeUndefined()
})

test('joined again, the members are the same object', () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue())
  fc.assert(
    fc.property(object, fc.constantFrom(undefined, 1, '\t', '\r\n '), (value, indent) => {
      const json = JSON.stringify(value, null, indent)
      const members = readJsonObject(json)?.members
      expect(JSON.parse(`{${members?.map(({ text }) => text).join(',')}}`)).toEqual(JSON.parse(json))
      expect(members?.map(({ key }) => key)).toEqual(Object.keys(JSON.parse(json)))
      for (const { value: text } of members ?? []) expect(json).toContain(text)
    }),
    { numRuns: 500 },
  )
})
