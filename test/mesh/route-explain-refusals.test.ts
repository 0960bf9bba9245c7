/** What an explanation of a route is refused with: a code, and nothing of what was asked or of where pools are. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin, askToExplain, type Explaining } from '../support/admin.ts'
import { KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const MARKER = 'zQxMARKERq7Zx'
const GOOD = { model: 'story', messages: [{ role: 'user', content: `Tell me of ${MARKER}.` }] }
const PATH = '/route/explain?tenant=demo&colo=FRA'

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({ colos: ['FRA'], distances: false })
})
afterAll(() => mesh.stop())

async function refusalOf(response: Response) {
  const text = await response.text()
  for (const secret of [MARKER, '127.0.0.1', 'localhost', '/v1/chat', 'Error:']) {
    expect(text).not.toContain(secret)
  }
  const { error } = JSON.parse(text) as { error?: { code: string; param: string | null } }
  return [response.status, error?.code, error?.param]
}

const QUERIES: readonly (readonly [string, Explaining['query'], string])[] = [
  ['no tenant', { colo: 'FRA' }, 'tenant'],
  ['a tenant that is unknown', { tenant: MARKER }, 'tenant'],
  ['a tenant that is no word', { tenant: `${MARKER}/..` }, 'tenant'],
  ['a tenant of an object’s kind', { tenant: 'constructor' }, 'tenant'],
  ['a key that the tenant does not have', { tenant: 'demo', key: MARKER }, 'key'],
  ['a data centre that is no word', { tenant: 'demo', colo: `<${MARKER}>` }, 'colo'],
  ['a country that is no word', { tenant: 'demo', country: 'D E' }, 'country'],
  ['a surface that is none', { tenant: 'demo', surface: MARKER }, 'surface'],
  ['a question that is none', { tenant: 'demo', [MARKER]: 'x' }, 'query'],
  ['a question of an object’s kind', { tenant: 'demo', constructor: 'x' }, 'query'],
]

test.each(QUERIES)('%s is invalid_parameter', async (_name, query, param) => {
  expect(await refusalOf(await askToExplain(mesh, { query, body: GOOD, at: 'FRA' }))).toEqual([
    400,
    'invalid_parameter',
    param,
  ])
})

test.each<readonly [string, string | undefined, number, string]>([
  ['no body', undefined, 415, 'unsupported_media_type'],
  ['a body that is no JSON', `{"model":"story","messages":${MARKER}`, 400, 'invalid_json'],
  ['a field given twice', `{"${MARKER}":1,"${MARKER}":2}`, 400, 'duplicate_key'],
  ['a model that is unknown', JSON.stringify({ ...GOOD, model: MARKER }), 404, 'model_not_found'],
  ['a field that is unknown', JSON.stringify({ ...GOOD, [MARKER]: 1 }), 400, 'unsupported_parameter'],
  ['a field that is refused', JSON.stringify({ ...GOOD, cache_salt: MARKER }), 400, 'unsupported_parameter'],
  ['no messages', JSON.stringify({ model: 'story' }), 400, 'missing_parameter'],
])('%s is what it would be for a request', async (_name, body, status, code) => {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const asked = await admin(mesh, 'FRA', PATH, {
    method: 'POST',
    headers,
    ...(body === undefined ? {} : { body }),
  })
  expect((await refusalOf(asked)).slice(0, 2)).toEqual([status, code])
})

test.each<readonly [string, Readonly<Record<string, string>>, Explaining['query'], number, string]>([
  ['a header that is not understood', { 'x-mesh-residency': '*' }, {}, 400, 'invalid_header'],
  ['a bad hint', { 'x-mesh-affinity': `${MARKER} ${MARKER}` }, {}, 400, 'invalid_header'],
  [
    'a place that is not allowed',
    { 'x-mesh-residency': 'us' },
    { tenant: 'eu-bank' },
    403,
    'residency_violation',
  ],
])('%s is what it would be for a request, too', async (_name, headers, query, status, code) => {
  const asked = { query: { tenant: 'demo', colo: 'FRA', ...query }, body: GOOD, headers }
  expect((await refusalOf(await askToExplain(mesh, asked))).slice(0, 2)).toEqual([status, code])
})

test.each([
  ['no token', ''],
  ['a wrong token', `${MARKER}-0123456789abcdef`],
  ['a client’s key', KEYS.demo],
])('%s is not let in', async (_name, token) => {
  for (const method of ['POST', 'GET']) {
    const init = { method, token, headers: { 'content-type': 'application/json' } }
    const body = method === 'POST' ? { body: JSON.stringify(GOOD) } : {}
    const refused = await refusalOf(await admin(mesh, 'FRA', PATH, { ...init, ...body }))
    expect(refused.slice(0, 2)).toEqual([401, 'admin_unauthorized'])
  }
})

test('after all of that no pool was asked, and nothing of it is in the log', () => {
  const asked = Object.values(mesh.engines).map((engine) => engine.stats().requests)
  expect(asked).toEqual([0, 0, 0])
  expect(mesh.logs.filter((line) => line.includes(MARKER))).toEqual([])
})
