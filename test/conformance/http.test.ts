/** What is on the wire, byte for byte, where SDKs hide it. */
import { request as sendRequest, type IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anew, question, type Fields } from './ask.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

const SSE_MUST_NOT_HAVE = [
  'content-length',
  'content-encoding',
  'set-cookie',
  'etag',
  'server',
  'x-powered-by',
]

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${target.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${target.key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

const ask = (fields: Fields) => post('/v1/chat/completions', question(target, { stream: true, ...fields }))

async function expectEnvelope(response: Response, status: number, code: string): Promise<void> {
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{24}$/)
  const body: unknown = await response.json()
  expect(body).toEqual({
    error: { message: expect.any(String), type: expect.any(String), param: null, code },
  })
}

test.each([
  { kind: 'made privately', fields: { temperature: 1 } },
  { kind: 'made by a log', fields: { temperature: 0 } },
  { kind: 'from the cache', fields: { temperature: 0, content: anew('Twice') } },
  { kind: 'with usage', fields: { temperature: 0, stream_options: { include_usage: true } } },
])('a stream $kind has the headers proxies need, and data lines only', async ({ kind, fields }) => {
  if (kind === 'from the cache') await (await ask(fields)).text()
  const response = await ask(fields)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
  expect(response.headers.get('x-accel-buffering')).toBe('no')
  expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  for (const name of SSE_MUST_NOT_HAVE) expect(response.headers.get(name), name).toBeNull()

  const text = await response.text()
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  const events = text.slice(0, -2).split('\n\n')
  expect(events.length).toBeGreaterThan(5)
  // One line each: no `id:`, no `event:`, no comment, no line break within the JSON.
  expect(events.filter((event) => !/^data: [^\n\r]+$/.test(event))).toEqual([])
  expect(events.filter((event) => event === 'data: [DONE]')).toHaveLength(1)
  for (const event of events.slice(0, -1)) {
    expect(JSON.parse(event.slice('data: '.length))).toMatchObject({ object: 'chat.completion.chunk' })
  }
})

test('a client that takes compressed answers gets a stream that is not compressed', async () => {
  const headers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
    const sent = sendRequest(`${target.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${target.key}`,
        'content-type': 'application/json',
        'accept-encoding': 'gzip, br, zstd',
      },
    })
    sent.once('error', reject)
    sent.once('response', (response) => {
      response.resume()
      response.once('end', () => resolve(response.headers))
    })
    sent.end(JSON.stringify(question(target, { stream: true })))
  })
  expect(headers['content-encoding']).toBeUndefined()
  expect(headers['transfer-encoding']).toBe('chunked')
})

test('the first event is sent when it is there, not when the answer is whole', async () => {
  const response = await ask({ max_tokens: 2000, min_tokens: 2000, temperature: 1 })
  const reader = response.body?.getReader()
  const first = await reader?.read()
  await reader?.cancel()
  expect(new TextDecoder().decode(first?.value)).not.toContain('[DONE]')
})

test('an answer that is not streamed is plain JSON that no proxy may keep', async () => {
  const response = await ask({ stream: false })
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await response.json()).toMatchObject({ object: 'chat.completion' })
})

test.each(['/', '/v1', '/v1/', '/v1/moderations', '/v2/chat/completions', '/v1/chat/completions/', '/admin'])(
  'nothing is at %s, and it says so in the one envelope',
  async (path) => {
    await expectEnvelope(await fetch(`${target.url}${path}`), 404, 'not_found')
    await expectEnvelope(await post(path, {}), 404, 'not_found')
  },
)

test.each([
  ['GET', '/v1/chat/completions', 'POST'],
  ['PUT', '/v1/chat/completions', 'POST'],
  ['DELETE', '/v1/completions', 'POST'],
  ['OPTIONS', '/v1/chat/completions', 'POST'],
  ['POST', '/v1/models', 'GET'],
  ['DELETE', '/v1/models/story', 'GET'],
  ['POST', '/healthz', 'GET'],
])('%s %s is not allowed, and the answer names what is', async (method, path, allow) => {
  const headers = { authorization: `Bearer ${target.key}` }
  const response = await fetch(`${target.url}${path}`, { method, headers })
  expect(response.headers.get('allow')).toBe(allow)
  await expectEnvelope(response, 405, 'method_not_allowed')
})

test.each([
  ['/v1/models', 200],
  ['/healthz', 200],
  ['/v1/chat/completions', 405],
  ['/nothing', 404],
])('HEAD %s has the status of the path and no body', async (path, status) => {
  const headers = { authorization: `Bearer ${target.key}` }
  const response = await fetch(`${target.url}${path}`, { method: 'HEAD', headers })
  expect(response.status).toBe(status)
  expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  expect(await response.text()).toBe('')
})

test.each(['/v1/models', '/v1/models/story', '/v1/chat/completions', '/v1/completions'])(
  'without a key %s tells nothing but that one is needed',
  async (path) => {
    const init = path.includes('completions') ? { method: 'POST', body: 'not even JSON' } : {}
    const response = await fetch(`${target.url}${path}`, init)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    await expectEnvelope(response, 401, 'missing_api_key')
  },
)

test('a body of another type is refused before it is read', async () => {
  const response = await post('/v1/chat/completions', question(target), { 'content-type': 'text/plain' })
  await expectEnvelope(response, 415, 'unsupported_media_type')
})

test.each(['a b', 'x'.repeat(129), 'naïve'])(
  'an id of the client that is no id (%s) is not echoed',
  async (id) => {
    const headers = { authorization: `Bearer ${target.key}`, 'x-client-request-id': id }
    const response = await fetch(`${target.url}/v1/models`, { headers })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-client-request-id')).toBeNull()
  },
)
