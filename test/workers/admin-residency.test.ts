/** POST /admin/v1/residency/explain: an auditor asks where a request might go, and sends none. */
import { exports } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'

const TOKEN = 'test-admin-token-0123456789abcdef'

interface Explained {
  readonly refused: string | null
  readonly pools: readonly { readonly id: string; readonly allowed: boolean; readonly out: unknown }[]
  readonly [key: string]: unknown
}

function ask(query: string, body?: string, token = TOKEN): Promise<Response> {
  return exports.default.fetch(`http://edge.test/admin/v1/residency/explain${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body }),
  })
}

async function explained(query: string, body?: object): Promise<Explained> {
  const response = await ask(query, body === undefined ? undefined : JSON.stringify(body))
  expect(response.status).toBe(200)
  return response.json<Explained>()
}

async function refusal(query: string, body?: string): Promise<unknown> {
  const response = await ask(query, body)
  const { error } = await response.json<{ error: { code: string; param: string | null; message: string } }>()
  return [response.status, error.code, error.param]
}

describe('what is explained', () => {
  test('is what the config allows, and why not more', async () => {
    const told = await explained('?tenant=eu-bank&model=story&colo=IAD&country=US')
    expect(told).toMatchObject({
      mode: 'dev',
      refused: null,
      edge_region: 'us-east',
      restricted: true,
      storage: 'home',
      home: { region: 'eu-central', jurisdiction: 'eu', enforced: true },
    })
    expect(told['config']).toMatch(/^cfg_[0-9a-f]{12}$/)
    expect(told.pools.map(({ id, out }) => [id, out])).toEqual([
      ['eu-central', []],
      ['us-east', [{ by: 'floor' }]],
      ['ap-southeast', [{ by: 'floor' }]],
    ])
  })

  test('may be asked in the query, in a body, or in both, of which the body counts', async () => {
    const inQuery = await explained('?tenant=demo&model=story&colo=FRA&residency=us,sg')
    const inBody = { tenant: 'demo', model: 'story', colo: 'FRA', residency: ['us', 'sg'] }
    expect(await explained('', inBody)).toEqual(inQuery)
    expect(await explained('?tenant=eu-bank&residency=eu', inBody)).toEqual(inQuery)
    expect(inQuery.pools.map(({ allowed }) => allowed)).toEqual([false, true, true])
  })

  test('is a refusal, too', async () => {
    expect(await explained('?tenant=eu-bank&model=story&residency=us')).toMatchObject({
      refused: 'residency_violation',
      home: null,
      no_home: 'refused',
    })
  })
})

describe('a question that is none', () => {
  test.each([
    ['', undefined, [400, 'missing_parameter', 'tenant']],
    ['?tenant=nobody&model=story', undefined, [400, 'invalid_parameter', 'tenant']],
    ['?tenant=demo', undefined, [400, 'missing_parameter', 'model']],
    ['?tenant=demo&model=poem', undefined, [400, 'invalid_parameter', 'model']],
    ['?tenant=demo&model=story&key=k9', undefined, [400, 'invalid_parameter', 'key']],
    ['?tenant=demo&model=story&country=Germany', undefined, [400, 'invalid_parameter', 'country']],
    ['?tenant=demo&model=story&contry=DE', undefined, [400, 'unsupported_parameter', null]],
    ['?tenant=demo&model=story', '{"headers":{"x-a":1}}', [400, 'invalid_parameter', 'headers']],
    ['?tenant=demo&model=story', '[]', [400, 'invalid_json', null]],
    ['?tenant=demo&model=story', '{', [400, 'invalid_json', null]],
    ['?tenant=demo&model=story', '{"tenant":"demo","tenant":"eu-bank"}', [400, 'duplicate_key', null]],
    ['?tenant=demo&model=story', ' '.repeat(65 * 1024), [413, 'body_too_large', null]],
  ])('%s with %s', async (query, body, expected) => {
    expect(await refusal(query, body)).toEqual(expected)
  })

  test('is told without a word of its own', async () => {
    const response = await ask('?tenant=demo&model=story&secretname=secretvalue')
    expect(await response.text()).not.toContain('secret')
  })
})

test('needs the operator’s token', async () => {
  expect((await ask('?tenant=demo&model=story', undefined, 'something else')).status).toBe(401)
})
