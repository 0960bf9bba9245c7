/** What reaches a pool is what was checked: one model, allowed fields, our own headers, and nothing else of the client's. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { CHAT_FIELDS } from '../../shared/schema/fields.ts'
import { chat } from '../support/chat.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { postHead, sendRaw } from '../support/raw-request.ts'
import { startRecordingPool, type RecordingPool } from '../support/recording-pool.ts'

const SERVED = 'weights/recorded-8b'
/** By dialect, the members of a body that are ours to add. */
const OURS = {
  openai: ['stream', 'stream_options'],
  vllm: ['stream', 'stream_options', 'cache_salt'],
  llamacpp: ['stream', 'stream_options', 'timings_per_token'],
} as const
const DIALECTS = ['openai', 'vllm', 'llamacpp'] as const
/** All that a call may carry: ours, HTTP's own, the runtime's (which Worker calls), and the simulated distance. */
const HEADERS = new Set([
  'accept',
  'content-type',
  'host',
  'content-length',
  'cf-worker',
  'x-sim-edge-region',
])

let pool: RecordingPool
let mesh: TestMesh
beforeAll(async () => {
  pool = await startRecordingPool()
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    config: (urls) =>
      aMeshConfig(urls, {
        pools: DIALECTS.map((dialect) => ({
          id: `recording-${dialect}`,
          region: 'eu-central',
          dialect,
          url: `${pool.url}/${dialect}/v1`,
          models: [{ model: dialect, served: SERVED }],
          shared_prefix: true,
        })),
        models: DIALECTS.map((id) => ({ id, context_length: 32_768 })),
      }),
  })
})
afterAll(async () => {
  await mesh.stop()
  await pool.stop()
})
afterEach(() => pool.answerWith(undefined))

/** The one request that the pool got meanwhile. */
async function recorded(send: () => Promise<Response>) {
  const before = pool.requests.length
  const response = await send()
  expect(response.status, await response.text()).toBe(200)
  const [request, ...more] = pool.requests.slice(before)
  expect(more).toEqual([])
  if (request === undefined) throw new Error('the pool was not asked')
  return request
}

describe.each(DIALECTS)('a pool of the dialect %s', (model) => {
  test.each([
    ['privately', {}],
    ['for a log', { temperature: 0 }],
  ])('asked %s gets the served name once, and allowed members only', async (_path, sampling) => {
    const body = {
      model,
      ...sampling,
      max_tokens: 5,
      stop: ['END'],
      seed: 11,
      user: 'the-user',
      metadata: { 'the-key': 'the-value' },
      store: true,
      service_tier: 'the-tier',
      prompt_cache_key: 'the-cache-key',
      safety_identifier: 'the-identifier',
      stream: false,
      stream_options: null,
      logit_bias: null,
    }
    const request = await recorded(() => chat(mesh, 'FRA', 'What is sent?', { body }))
    expect(request.method).toBe('POST')
    expect(request.path).toBe(`/${model}/v1/chat/completions`)
    const sent = JSON.parse(request.body) as Record<string, unknown>
    expect(request.body.match(/"model"/g)).toHaveLength(1)
    expect(sent).toMatchObject({ model: SERVED, stream: true, max_tokens: 5, seed: 11, stop: ['END'] })
    const unexpected = Object.keys(sent).filter(
      (name) => !CHAT_FIELDS.has(name) && !OURS[model].some((own) => own === name),
    )
    expect(unexpected).toEqual([])
    expect(request.body).not.toContain('the-')
    // A null says nothing, so nothing is sent for it.
    expect(Object.values(sent)).not.toContain(null)
  })

  test('gets no header of the client, on either path', async () => {
    const headers = {
      'x-evil': 'evil',
      cookie: 'session=evil',
      'x-forwarded-for': 'evil',
      'x-real-ip': '203.0.113.9',
      forwarded: 'for=evil',
      'user-agent': 'evil/1.0',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      tracestate: 'evil=1',
      baggage: 'evil=1',
      'cf-connecting-ip': '203.0.113.9',
      'x-api-key': 'evil',
      'openai-organization': 'evil',
      'x-client-request-id': 'evil',
      'x-request-id': 'evil',
      'x-sim-edge-region': 'evil',
      'accept-language': 'evil',
      'x-mesh-dev-colo': 'FRA',
      referer: 'https://evil.example/',
      origin: 'https://evil.example',
      via: '1.1 evil',
    }
    for (const [name, sampling] of Object.entries({ sampled: {}, shared: { temperature: 0 } })) {
      const body = { model, max_tokens: 6, ...sampling }
      const all = { ...headers, 'idempotency-key': `evil-${model}-${name}` }
      const request = await recorded(() => chat(mesh, 'FRA', 'Which headers?', { headers: all, body }))
      const names = request.headers.map(([name]) => name)
      expect(names.filter((name) => !HEADERS.has(name))).toEqual([])
      expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
      const values = JSON.stringify(request.headers)
      expect(values).not.toContain('evil')
      expect(values).not.toContain('203.0.113.9')
      expect(values).not.toContain('4bf92f35')
      expect(values).not.toContain(KEYS.demo.slice(-20))
    }
  })
})

const TWO_MODELS = [
  ['the forbidden one last', '"model":"openai","messages":[],"model":"vllm"'],
  ['the forbidden one first', '"model":"vllm","messages":[],"model":"openai"'],
  ['one of them spelled', String.raw`"model":"openai","messages":[],"mod\u0065l":"vllm"`],
  ['another of its letters spelled', String.raw`"model":"openai","messages":[],"\u006dodel":"vllm"`],
] as const
test.each(TWO_MODELS)('two models, %s, reach no pool', async (_name, members) => {
  const before = pool.requests.length
  const body = `{${members}}`
  const response = await mesh.fetch('FRA', '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.demo}`, 'content-type': 'application/json' },
    body,
  })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { code: 'duplicate_key' } })
  expect(pool.requests.length).toBe(before)
})

test('what is spelled oddly is sent as it was read, not as it was written', async () => {
  const body = String.raw`{ "mod\u0065l" : "openai", "max_tokens" : 5e0 , "messages":[{"role":"user","content":"\u0041\/B"}]}`
  const head = postHead('/v1/chat/completions', [
    `authorization: Bearer ${KEYS.demo}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ])
  const before = pool.requests.length
  const { answer, socket } = sendRaw(mesh.url('FRA'), head + body)
  await expect.poll(() => pool.requests.length).toBe(before + 1)
  await answer
  socket.destroy()
  expect(JSON.parse(pool.requests[before]?.body ?? '')).toEqual({
    model: SERVED,
    max_tokens: 5,
    messages: [{ role: 'user', content: 'A/B' }],
    stream: true,
    stream_options: { include_usage: true },
  })
  expect(pool.requests[before]?.body).not.toContain('\\u')
})

test('tenants have salts of their own, which are not made from what a pool could guess', async () => {
  const salts: unknown[] = []
  for (const tenant of ['demo', 'eu-bank', 'demo'] as const) {
    const request = await recorded(() => chat(mesh, 'FRA', 'Salt?', { tenant, body: { model: 'vllm' } }))
    salts.push((JSON.parse(request.body) as Record<string, unknown>)['cache_salt'])
  }
  const [demo, bank, again] = salts
  expect(demo).toMatch(/^[A-Za-z0-9_=-]{22,}$/)
  expect(again).toBe(demo)
  expect(bank).not.toBe(demo)
})
