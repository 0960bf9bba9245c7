import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readVector, vectorJson } from '../../../shared/embedding/vector.ts'

/** As a pool writes it: little-endian. */
function base64Of(floats: readonly number[]): string {
  const bytes = Buffer.alloc(floats.length * 4)
  for (const [index, float] of floats.entries()) bytes.writeFloatLE(float, index * 4)
  return bytes.toString('base64')
}

const floats = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 })

test('a vector is the same whichever way a pool writes it, and whichever way it is written', () => {
  fc.assert(
    fc.property(floats, (components) => {
      const fromNumbers = readVector(components)
      const fromBase64 = readVector(base64Of(components))
      expect(fromBase64).toEqual(fromNumbers)
      if (fromNumbers === undefined) throw new Error('was not read')
      expect(vectorJson(fromNumbers, 'base64')).toBe(`"${base64Of(components)}"`)
      expect(JSON.parse(vectorJson(fromNumbers, 'float'))).toHaveLength(components.length)
      expect(readVector(JSON.parse(vectorJson(fromNumbers, 'float')))).toEqual(fromNumbers)
      expect(readVector(JSON.parse(vectorJson(fromNumbers, 'base64')))).toEqual(fromNumbers)
    }),
  )
})

test('doubles are rounded to the floats next to them', () => {
  const vector = readVector([0.1, -0.006929283495992422, 1e-50])
  expect(vector && vectorJson(vector, 'float')).toBe('[0.1,-0.0069292835,0]')
})

describe('is no vector:', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 1],
    ['an object', {}],
    ['an empty list', []],
    ['an empty text', ''],
    ['a list with a text', [1, '2']],
    ['a list with a null', [1, null]],
    ['a list of lists', [[1]]],
    ['text that is no base64', 'not base64!'],
    ['three bytes', 'AAAA'],
    ['a NaN', base64Of([1, Number.NaN])],
    ['an infinity', base64Of([Number.POSITIVE_INFINITY])],
    ['a double that no float can hold', [1e39]],
  ])('%s', (_name, value) => {
    expect(readVector(value)).toBeUndefined()
  })
})
