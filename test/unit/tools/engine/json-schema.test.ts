import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shapeOf } from '../../../../tools/local/engine/json-schema.ts'
import { seededRandom } from '../../../../tools/local/engine/random.ts'
import { valueOf } from '../../../../tools/local/engine/shape-value.ts'
import { fitsSchema } from './fits-schema.ts'

/** Values of a schema, as text and back. */
function valuesOf(schema: unknown, count = 20): unknown[] {
  const shape = shapeOf(schema)
  if (!shape.ok) throw new Error(shape.error)
  return Array.from({ length: count }, (_, seed) => {
    const random = seededRandom(seed)
    return JSON.parse(JSON.stringify(valueOf(shape.value, (among) => Math.floor(random() * among))))
  })
}

const range = (least: string, most: string, span: fc.Arbitrary<number>) =>
  fc
    .tuple(span, span)
    .map(([one, other]) => ({ [least]: Math.min(one, other), [most]: Math.max(one, other) }))
const small = fc.nat({ max: 6 })
const bound = fc.integer({ min: -1_000, max: 1_000 })
const names = fc.constantFrom('city', 'when', 'n', 'constructor', '__proto__', 'a b')

const { schema: schemas } = fc.letrec<{ schema: object; object: object }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small' },
    fc.record({ type: fc.constantFrom('string', 'integer', 'number', 'boolean', 'null') }),
    range('minLength', 'maxLength', small).map((limits) => ({ type: 'string', ...limits })),
    range('minimum', 'maximum', bound).map((limits) => ({ type: 'integer', ...limits })),
    range('minimum', 'maximum', bound).map((limits) => ({ type: 'number', ...limits })),
    bound.map((at) => ({ type: 'number', exclusiveMinimum: at, exclusiveMaximum: at + 0.5 })),
    bound.map((at) => ({ type: 'integer', exclusiveMaximum: at })),
    fc.record({ enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 4 }) }),
    fc.record({ const: fc.jsonValue({ maxDepth: 1 }) }),
    fc.record({ type: fc.constant(['string', 'null']), description: fc.string() }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc
      .tuple(tie('schema'), range('minItems', 'maxItems', small))
      .map(([items, limits]) => ({ type: 'array', items, ...limits })),
    tie('object'),
  ),
  object: fc
    .tuple(
      fc.uniqueArray(fc.tuple(names, tie('schema')), { selector: ([name]) => name, maxLength: 4 }),
      fc.nat(),
    )
    .map(([members, mask]) => ({
      type: 'object',
      properties: Object.fromEntries(members),
      required: members.flatMap(([name], at) => ((mask >> at) % 2 === 1 ? [name] : [])),
      additionalProperties: false,
    })),
}))

describe('a value made for a schema', () => {
  test('fits it, whatever it is built of', () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        for (const value of valuesOf(schema, 5)) {
          if (!fitsSchema(value, schema)) throw new Error(`${JSON.stringify(value)} does not fit`)
        }
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    ['lengths in code points', { type: 'string', minLength: 200, maxLength: 200 }],
    ['a range that does not hold zero', { type: 'integer', minimum: 5_000, maximum: 5_001 }],
    ['a range below zero', { type: 'number', exclusiveMaximum: -3 }],
    ['the range of every safe integer', { type: 'integer', minimum: -(2 ** 53) + 1, maximum: 2 ** 53 - 1 }],
    ['the one whole number between two', { type: 'integer', exclusiveMinimum: 3, exclusiveMaximum: 5 }],
    ['a single number', { type: 'number', minimum: 0.5, maximum: 0.5 }],
    ['a required name without a schema', { type: 'object', required: ['city'] }],
    ['no type, but properties', { properties: { n: { type: 'integer' } }, required: ['n'] }],
    ['no type, but items', { items: { type: 'boolean' }, minItems: 2 }],
    ['values of an enum that are of the type', { type: 'integer', enum: ['one', 1, null] }],
    ['a format whose values are too long', { type: 'string', format: 'uuid', maxLength: 8 }],
    ['a format by the name of a method', { type: 'string', format: 'constructor' }],
    ['a reference', { $ref: '#/$defs/a~1b', $defs: { 'a/b': { type: 'boolean' } } }],
  ])('fits %s', (_, schema) => {
    const plain = JSON.stringify(schema).includes('a~1b') ? { type: 'boolean' } : schema
    for (const value of valuesOf(schema)) expect([value, fitsSchema(value, plain)]).toEqual([value, true])
  })

  test.each([
    ['date', /^\d{4}-\d\d-\d\d$/],
    ['time', /^\d\d:\d\d:\d\dZ$/],
    ['date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/],
    ['email', /^\w+@example\.com$/],
    ['uri', /^https:\/\/example\.com\/\d+$/],
    ['uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/],
  ])('has the format %s', (format, pattern) => {
    for (const value of valuesOf({ type: 'string', format })) expect(value).toMatch(pattern)
  })

  test('has its required members always, and the others now and then', () => {
    const properties = { must: { type: 'string' }, may: { type: 'string' } }
    const keys = valuesOf({ type: 'object', properties, required: ['must'] }).map((value) =>
      Object.keys(Object(value)).join(),
    )
    expect(new Set(keys)).toEqual(new Set(['must', 'must,may']))
  })

  test('ends where its schema refers to itself', () => {
    const node = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        next: { $ref: '#/$defs/node' },
        parent: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/node' }] },
        children: { type: 'array', items: { $ref: '#/$defs/node' } },
      },
      required: ['name', 'children', 'parent'],
    }
    const schema = { $ref: '#/$defs/node', $defs: { node } }
    const values = valuesOf(schema)
    for (const value of values) expect(fitsSchema(value, schema)).toBe(true)
  })
})

describe('a schema', () => {
  const nest = (depth: number): object => (depth === 0 ? {} : { type: 'array', items: nest(depth - 1) })
  const wide = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`p${at}`, {}]))
  const defs = Object.fromEntries(
    Array.from({ length: 20 }, (_, at) => [
      `d${at}`,
      { anyOf: Array.from({ length: 9 }, () => ({ $ref: `#/$defs/d${at + 1}` })) },
    ]),
  )
  test.each([
    ['that constrains with what is not done', { type: 'string', pattern: 'a' }, /uses pattern/],
    ['that does so further down', { items: { uniqueItems: true } }, /uses uniqueItems/],
    ['that would have to be merged', { type: 'object', anyOf: [{}] }, /beside/],
    ['that refers elsewhere', { $ref: 'https://example.com/schema' }, /into the schema itself/],
    ['that refers to nothing', { $ref: '#/$defs/none' }, /to nothing/],
    ['that refers to what every object has', { $ref: '#/constructor' }, /to nothing/],
    ['of no known type', { type: 'text' }, /one of the seven/],
    ['that is none', 5, /must be an object/],
    ['with a range that is none', { type: 'integer', minimum: 2, maximum: 1 }, /no finite value/],
    ['with no whole number in its range', { type: 'integer', minimum: 0.2, maximum: 0.8 }, /no finite value/],
    [
      'with an open range that is none',
      { type: 'number', minimum: 1, exclusiveMaximum: 1 },
      /no finite value/,
    ],
    ['that allows no alternative', { anyOf: [] }, /no finite value/],
    ['that forbids what it requires', { required: ['a'], additionalProperties: false }, /no finite value/],
    ['that never ends', { required: ['a'], properties: { a: { $ref: '#' } } }, /no finite value/],
    ['of a huge text', { type: 'string', minLength: 1e9 }, /too large a value/],
    ['of a huge array', { type: 'array', minItems: 1e9 }, /too large a value/],
    ['that multiplies its arrays', nest(40), /too large a value/],
    ['that is very wide', { properties: wide }, /too large/],
    ['that multiplies by references', { $ref: '#/$defs/d0', $defs: { ...defs, d20: {} } }, /too large/],
    ['that is very deep', nest(101), /too deep/],
    ['that is deeper than any stack', nest(2_500), /too deep/],
  ])('%s is refused, and not quoted', (_, schema, message) => {
    expect(shapeOf(schema)).toEqual({ ok: false, error: expect.stringMatching(message) })
  })
})
