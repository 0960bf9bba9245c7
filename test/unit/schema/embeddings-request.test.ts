import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DENIED_FIELDS } from '../../../shared/schema/denied-fields.ts'
import { parseEmbeddingsRequest } from '../../../shared/schema/embeddings-request.ts'
import { EMBEDDINGS_FIELDS } from '../../../shared/schema/fields.ts'

const LIMITS = { max_inputs: 3 }

function parse(value: unknown, extraFields: readonly string[] = []) {
  return parseEmbeddingsRequest(value, {
    limits: LIMITS,
    accepts: (field) => EMBEDDINGS_FIELDS.has(field) || extraFields.includes(field),
  })
}

function accepted(fields: object, extraFields: readonly string[] = []) {
  const result = parse({ model: 'm', input: 'a', ...fields }, extraFields)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

function refused(fields: object) {
  const result = parse({ model: 'm', input: 'a', ...fields })
  if (result.ok) throw new Error('was accepted')
  return result.error
}

const invalid = (param: string, expected: string) => ({ reason: 'invalid_parameter', param, expected })
const TEXT = 'a string that is not empty'
const TOKENS = 'an array of token ids that is not empty'
const FORMS = `${TEXT}, ${TOKENS}, or an array of at most 3 of either`

describe('the input', () => {
  test.each([
    ['a text', 'a', ['a']],
    ['a blank', ' ', [' ']],
    ['token ids', [1, 0, 2147483647], [[1, 0, 2147483647]]],
    ['a list of texts', ['a', 'b', 'a'], ['a', 'b', 'a']],
    ['a list of one text', ['a'], ['a']],
    ['a list of token ids', [[1], [2, 3]], [[1], [2, 3]]],
  ])('may be %s', (_name, input, inputs) => {
    expect(accepted({ input }).inputs).toEqual(inputs)
  })

  test.each([
    ['', 'input', FORMS],
    [5, 'input', FORMS],
    [{}, 'input', FORMS],
    [true, 'input', FORMS],
    [[], 'input', FORMS],
    [['a', 'b', 'c', 'd'], 'input', 'an array of at most 3 inputs'],
    [[[1], [2], [3], [4]], 'input', 'an array of at most 3 inputs'],
    [['a', ''], 'input[1]', TEXT],
    [['a', [1]], 'input[1]', TEXT],
    [['a', null], 'input[1]', TEXT],
    [['', 'a'], 'input[0]', TEXT],
    [[[1], 'a'], 'input[1]', TOKENS],
    [[[1], []], 'input[1]', TOKENS],
    [[[]], 'input[0]', TOKENS],
    [[[1], [1.5]], 'input[1]', TOKENS],
    [[[['a']]], 'input[0]', TOKENS],
    [[null], 'input[0]', `${TEXT}, or ${TOKENS}`],
    [[{ text: 'a' }], 'input[0]', `${TEXT}, or ${TOKENS}`],
    [[1, 'a'], 'input[1]', 'a token id, as the first is'],
    [[-1], 'input[0]', 'a token id, as the first is'],
    [[1.5], 'input[0]', 'a token id, as the first is'],
    [[2 ** 31], 'input[0]', 'a token id, as the first is'],
  ])('%j is refused', (input, param, expected) => {
    expect(refused({ input })).toEqual(invalid(param, expected))
  })

  test.each([[null], [undefined]])('is required: %j', (input) => {
    expect(refused({ input })).toEqual({ reason: 'missing_parameter', param: 'input' })
  })

  test('of any JSON is accepted or refused, and accepted as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (input) => {
        const result = parse({ model: 'm', input })
        if (!result.ok) return
        const isOne = typeof input === 'string' || (Array.isArray(input) && typeof input[0] === 'number')
        expect(result.value.inputs).toEqual(isOne ? [input] : input)
        expect(result.value.inputs.length).toBeGreaterThan(0)
      }),
    )
  })
})

describe('the other fields', () => {
  test('have defaults, and a null counts as absent', () => {
    expect(accepted({ encoding_format: null, dimensions: null, user: null, frobnicate: null })).toEqual({
      model: 'm',
      inputs: ['a'],
      encoding: 'float',
      params: {},
    })
  })

  test('that change the vectors are what may reach a pool, and the others stay here', () => {
    expect(accepted({ encoding_format: 'base64', dimensions: 256, user: 'u' })).toEqual({
      model: 'm',
      inputs: ['a'],
      encoding: 'base64',
      params: { dimensions: 256 },
      user: 'u',
    })
    expect(accepted({ user: '' })).not.toHaveProperty('user')
  })

  test('beyond OpenAI’s are passed on where they are accepted', () => {
    expect(accepted({ truncate: { deep: [1] } }, ['truncate']).params).toEqual({ truncate: { deep: [1] } })
  })

  test.each([
    ['dimensions', 0, 'an integer from 1 to 16384'],
    ['dimensions', 16_385, 'an integer from 1 to 16384'],
    ['dimensions', 1.5, 'an integer from 1 to 16384'],
    ['dimensions', '3', 'an integer from 1 to 16384'],
    ['encoding_format', 'int8', 'one of "float", "base64"'],
    ['encoding_format', 5, 'one of "float", "base64"'],
    ['user', 5, 'a string of 0 to 512 characters'],
    ['user', 'u'.repeat(513), 'a string of 0 to 512 characters'],
  ])('%s: %j is refused', (field, value, expected) => {
    expect(refused({ [field]: value })).toEqual(invalid(field, expected))
  })

  test.each(['messages', 'temperature', 'stream', 'metadata', 'store', ...DENIED_FIELDS])(
    '%s is refused by its name',
    (field) => {
      expect(refused({ [field]: 1 })).toEqual({ reason: 'unsupported_parameter', param: field })
    },
  )

  test('a denied field stays denied whatever a pool takes', () => {
    const result = parse({ model: 'm', input: 'a', cache_salt: 'x' }, ['cache_salt'])
    expect(result.ok).toBe(false)
  })

  test('an input is refused where no pool of the model embeds', () => {
    const result = parseEmbeddingsRequest(
      { model: 'm', input: 'a', user: 'u' },
      { limits: LIMITS, accepts: () => false },
    )
    expect(result).toEqual({ ok: false, error: { reason: 'unsupported_parameter', param: 'input' } })
  })

  test('an unknown name is refused by its position', () => {
    expect(refused({ frobnicate: 1 })).toEqual({ reason: 'unsupported_parameter', position: 3 })
  })

  test.each([
    [5, 'body'],
    [[], 'body'],
    [{ input: 'a' }, 'model'],
    [{ model: '', input: 'a' }, 'model'],
  ])('there is no request in %j', (value, param) => {
    const result = parse(value)
    expect(result.ok ? undefined : result.error).toMatchObject({ param })
  })
})
