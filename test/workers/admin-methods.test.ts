/** A path of the operator's that has another method says which; one that has none is not there; and nobody else learns either. */
import { exports } from 'cloudflare:workers'
import { expect, test } from 'vitest'

const TOKEN = 'test-admin-token-0123456789abcdef'

async function refusal(method: string, path: string, token = TOKEN): Promise<unknown> {
  const response = await exports.default.fetch(`http://edge.test/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
  })
  const { error } = await response.json<{ error: { code: string } }>()
  return [response.status, error.code, response.headers.get('allow')]
}

test.each([
  ['POST', '/config', 'GET, PUT'],
  ['DELETE', '/pools', 'GET'],
  ['GET', '/pools/eu-central/drain', 'POST, DELETE'],
  ['GET', '/route/explain', 'POST'],
  ['GET', '/tenants/demo/purge', 'POST'],
])('%s %s is 405, with what is allowed', async (method, path, allow) => {
  expect(await refusal(method, path)).toEqual([405, 'method_not_allowed', allow])
})

test('a path that nothing is at is 404, with any method', async () => {
  for (const method of ['GET', 'POST']) {
    expect(await refusal(method, '/nothing')).toEqual([404, 'not_found', null])
  }
})

test('without the token nothing is said of methods', async () => {
  expect(await refusal('POST', '/config', 'wrong')).toEqual([401, 'admin_unauthorized', null])
})
