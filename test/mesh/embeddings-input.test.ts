/** Whatever an embeddings request holds, its client is told in a 4xx what to mend, and the next request is answered. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DENIED_FIELDS } from '../../shared/schema/denied-fields.ts'
import { refusal, type BadBody } from '../support/bad-body.ts'
import type { TestMesh } from '../support/mesh.ts'
import {
  ask,
  expectRefusal,
  expectWholeBudget,
  MAX_BODY_BYTES,
  startTightMesh,
} from '../support/tight-mesh.ts'

const PATH = '/v1/embeddings'

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startTightMesh()
})
afterAll(() => mesh.stop())

function bodyWith(changes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ model: 'story', input: 'Hello.', ...changes })
}

const wrong = (input: unknown, param: string): BadBody => [
  `the input ${JSON.stringify(input).slice(0, 30)}`,
  bodyWith({ input }),
  refusal('invalid_parameter', param),
]

const BAD: readonly BadBody[] = [
  ['no input', '{"model":"story"}', refusal('missing_parameter', 'input')],
  ['an input that is null', bodyWith({ input: null }), refusal('missing_parameter', 'input')],
  ['no model', '{"input":"a"}', refusal('missing_parameter', 'model')],
  ['another model', bodyWith({ model: 'secret' }), refusal('model_not_found', 'model')],
  wrong('', 'input'),
  wrong([], 'input'),
  wrong({}, 'input'),
  wrong(5, 'input'),
  wrong(true, 'input'),
  wrong([''], 'input[0]'),
  wrong(['a', ''], 'input[1]'),
  wrong(['a', 1], 'input[1]'),
  wrong([1, 'a'], 'input[1]'),
  wrong([null], 'input[0]'),
  wrong([[]], 'input[0]'),
  wrong([[1], ['a']], 'input[1]'),
  wrong([-1], 'input[0]'),
  wrong([1.5], 'input[0]'),
  wrong([2 ** 40], 'input[0]'),
  wrong([{ text: 'a' }], 'input[0]'),
  wrong(
    Array.from({ length: 2049 }, (_, index) => `${index}`),
    'input',
  ),
  ...[0, -1, 1.5, '8', 1e9, {}].map((dimensions): BadBody => [
    `dimensions: ${JSON.stringify(dimensions)}`,
    bodyWith({ dimensions }),
    refusal('invalid_parameter', 'dimensions'),
  ]),
  ...['int8', '', 5, []].map((encoding): BadBody => [
    `encoding_format: ${JSON.stringify(encoding)}`,
    bodyWith({ encoding_format: encoding }),
    refusal('invalid_parameter', 'encoding_format'),
  ]),
  ['a user that is a number', bodyWith({ user: 5 }), refusal('invalid_parameter', 'user')],
  ['an unknown field', bodyWith({ frobnicate: 1 }), refusal('unsupported_parameter')],
  ...['messages', 'prompt', 'temperature', 'stream', 'store', 'metadata'].map((field): BadBody => [
    `the foreign field ${field}`,
    bodyWith({ [field]: 1 }),
    refusal('unsupported_parameter', field),
  ]),
  ...[...DENIED_FIELDS].map((field): BadBody => [
    `the forbidden field ${field}`,
    bodyWith({ [field]: 1 }),
    refusal('unsupported_parameter', field),
  ]),
  ['no JSON', '{"model"', refusal('invalid_json')],
  ['a list', '[]', refusal('invalid_parameter', 'body')],
  ['the input twice', '{"model":"story","input":"a","input":"b"}', refusal('duplicate_key')],
  [
    'lists in lists in lists',
    bodyWith({ input: JSON.parse('['.repeat(40) + ']'.repeat(40)) as unknown }),
    refusal('body_too_deep'),
  ],
]

describe('a body', () => {
  test.each(BAD)('with %s is refused', async (_name, body, refused) => {
    const text = await expectRefusal(await ask(mesh, { path: PATH, body }), refused)
    expect(text).not.toContain('frobnicate')
    const next = await ask(mesh, { path: PATH, body: bodyWith({}) })
    expect(next.status, await next.text()).toBe(200)
  })

  test('that is too large is refused', async () => {
    const body = bodyWith({ input: 'x'.repeat(MAX_BODY_BYTES) })
    await expectRefusal(await ask(mesh, { path: PATH, body }), { status: 413, code: 'body_too_large' })
  })

  test('of 2048 inputs is answered', async () => {
    const input = Array.from({ length: 2048 }, (_, index) => `${index}`)
    const response = await ask(mesh, { path: PATH, body: bodyWith({ input, dimensions: 4 }) })
    const { data } = (await response.json()) as { data: unknown[] }
    expect([response.status, data.length]).toEqual([200, 2048])
  })

  test('whose vectors the isolate has no room for is refused for now', async () => {
    // 2048 times 4 KiB is eight times the budget.
    const input = Array.from({ length: 2048 }, (_, index) => `large ${index}`)
    const response = await ask(mesh, { path: PATH, body: bodyWith({ input, dimensions: 1024 }) })
    await expectRefusal(response, { status: 503, code: 'edge_busy' })
    expect(response.headers.get('retry-after')).toBe('1')
  })
})

test.each(['GET', 'PUT', 'DELETE'])('%s is not how vectors are asked for', async (method) => {
  const response = await ask(mesh, { method, path: PATH })
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  await response.text()
})

test('without a key nothing is answered', async () => {
  const headers = { 'content-type': 'application/json' }
  await expectRefusal(await ask(mesh, { path: PATH, headers, body: bodyWith({}) }), {
    status: 401,
    code: 'missing_api_key',
  })
})

test('after all of it no byte of the budget is missing', () => expectWholeBudget(mesh))
