import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAnswerReader, type PoolEmbeddings } from '../../../shared/embedding/read-answer.ts'
import { vectorJson } from '../../../shared/embedding/vector.ts'

function read(chunks: readonly string[], expected: number): PoolEmbeddings | undefined {
  const reader = createAnswerReader()
  for (const chunk of chunks) if (reader.push(chunk) === undefined) return undefined
  return reader.end(expected)
}

const item = (index: number, embedding: unknown = [index, 1]) => ({ object: 'embedding', index, embedding })
const answer = (data: readonly unknown[], more: object = {}) =>
  JSON.stringify({ object: 'list', data, ...more })
const vectorsOf = (read: PoolEmbeddings | undefined) =>
  read?.vectors.map((vector) => JSON.parse(vectorJson(vector, 'float')) as unknown)

test('an answer has its vectors in the order of their indexes, and its count', () => {
  const text = answer([item(1), item(0), item(2)], {
    model: 'm',
    usage: { prompt_tokens: 7, total_tokens: 7 },
  })
  const whole = read([text], 3)
  expect(vectorsOf(whole)).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
  ])
  expect(whole?.promptTokens).toBe(7)
})

test('tells how many bytes of vectors each piece has brought', () => {
  const reader = createAnswerReader()
  const text = answer([item(0, [1, 2, 3]), item(1, [4, 5, 6])])
  const half = text.indexOf('}') + 1
  expect(reader.push(text.slice(0, half - 1))).toBe(0)
  expect(reader.push(text.slice(half - 1, half))).toBe(12)
  expect(reader.push(text.slice(half))).toBe(12)
})

test.each<[string, object, number | undefined]>([
  ['only a total', { usage: { total_tokens: 5 } }, 5],
  ['none', {}, undefined],
  ['null', { usage: null }, undefined],
  ['a text', { usage: { prompt_tokens: '5' } }, undefined],
  ['a negative number', { usage: { prompt_tokens: -1 } }, undefined],
  ['a fraction', { usage: { prompt_tokens: 1.5 } }, undefined],
])('a count that is %s', (_name, more, promptTokens) => {
  expect(read([answer([item(0)], more)], 1)?.promptTokens).toBe(promptTokens)
})

describe('reads', () => {
  test.each([
    ['members in any order', `{"usage":{"prompt_tokens":1},"data":[{"embedding":[1],"index":0}]}`],
    ['white space', ` {\n "data" : [ \n { "index" : 0 , "embedding" : [ 1 ] } \n ] } \n`],
    [
      'other lists and objects',
      `{"x":[{"a":[1]},2,[{"b":1}]],"y":{"z":[{}]},"data":[{"index":0,"embedding":[1]}]}`,
    ],
    [
      'brackets and quotes in texts',
      String.raw`{"id":"}]\"[{","data":[{"x":"]}\\","index":0,"embedding":[1]}]}`,
    ],
    ['an escaped name', String.raw`{"d\u0061ta":[{"index":0,"embedding":[1]}]}`],
    ['an item without an index', `{"data":[{"embedding":[1]}]}`],
    ['base64', `{"data":[{"index":0,"embedding":"AACAPw=="}]}`],
  ])('%s', (_name, text) => {
    expect(vectorsOf(read([text], 1))).toEqual([[1]])
  })
})

describe('is no answer to two inputs:', () => {
  test.each([
    ['one vector', answer([item(0)])],
    ['three vectors', answer([item(0), item(1), item(2)])],
    ['an index twice', answer([item(0), item(0)])],
    ['an index that is too large', answer([item(0), item(2)])],
    ['a negative index', answer([item(-1), item(0)])],
    ['an index that is a text', answer([item(0), { index: '1', embedding: [1, 1] }])],
    ['vectors of different lengths', answer([item(0), item(1, [1])])],
    ['a vector that is none', answer([item(0), item(1, 'x')])],
    ['a NaN', `{"data":[{"index":0,"embedding":[NaN]},{"index":1,"embedding":[1]}]}`],
    ['no data', answer([]).replace('data', 'date')],
    ['data that is an object', '{"data":{}}'],
    ['data of numbers', '{"data":[0,1]}'],
    ['a list', '[{"index":0,"embedding":[1]}]'],
    ['an error', '{"error":{"message":"x"}}'],
    ['nothing', ''],
    ['a page', '<html>'],
    ['half an answer', answer([item(0), item(1)]).slice(0, -1)],
    ['more than an answer', `${answer([item(0), item(1)])}{}`],
    ['closing brackets', ']}]}'],
  ])('%s', (_name, text) => {
    expect(read([text], 2)).toBeUndefined()
  })

  test('one that never ends its names', () => {
    const reader = createAnswerReader()
    const pieces = Array.from({ length: 100 }, () => reader.push('"x'.repeat(1000)))
    expect(pieces.at(-1)).toBeUndefined()
  })

  test('one that never ends a vector', () => {
    const reader = createAnswerReader()
    reader.push('{"data":[{"embedding":[')
    const pieces = Array.from({ length: 100 }, () => reader.push('1,'.repeat(5000)))
    expect(pieces.at(-1)).toBeUndefined()
  })
})

test('any way of cutting the text gives the same answer', () => {
  const texts = fc.string().map((text) => JSON.stringify(text))
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 5 }),
      fc.array(texts, { minLength: 2, maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      (vector, [one = '""', two = '""', ...more], cuts) => {
        const data = [0, 1, 2].map(
          (index) => `{${one}:${two},"index":${index},"embedding":${JSON.stringify(vector)}}`,
        )
        const text = `{${more.map((name) => `${name}:[${two}],`).join('')}"data":[${data.join(',')}]}`
        const places = [0, ...cuts.map((cut) => cut % text.length).toSorted((a, b) => a - b), text.length]
        const chunks = places.slice(1).map((end, index) => text.slice(places[index], end))
        expect(read(chunks, 3)).toEqual(read([text], 3))
        expect(read([text], 3)?.vectors).toHaveLength(3)
      },
    ),
  )
})
