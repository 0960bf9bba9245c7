/** A marker put wherever a client can write is found in no log line, no error and no header, nor is any secret. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat } from '../support/chat.ts'
import { MARKER, startLeakWatch, type LeakWatch } from '../support/leak-watch.ts'
import { KEYS } from '../support/mesh-config.ts'
import { ADMIN_TOKEN } from '../support/mesh.ts'
import { postHead, sendRaw } from '../support/raw-request.ts'

const CHAT = '/v1/chat/completions'
/** Of the line of a request. */
const KNOWN_MEMBERS: ReadonlySet<string> = new Set(
  (
    'at attempts body_bytes cache cache_detail cached_tokens colo completion_tokens config cost_microdollars ' +
    'edge_region error event first_token_ms key model model_version outcome pool prompt_tokens request_id ' +
    'route rules saved_microdollars status stream surface tenant total_ms'
  ).split(' '),
)

let watch: LeakWatch
beforeAll(async () => {
  watch = await startLeakWatch()
})
afterAll(async () => watch.stop())

test('logs are captured: a good request is one line, with its id and none of its words', async () => {
  const response = await chat(watch.mesh, 'FRA', `Tell me of ${MARKER}.`, { body: { max_tokens: 2 } })
  const { status, text } = await watch.note(response)
  expect(status).toBe(200)
  expect(text).toContain('Well then.')
  const id = response.headers.get('x-request-id') ?? 'none'
  await expect.poll(() => watch.mesh.logs.filter((line) => line.includes(id)).length).toBe(1)
  const line = JSON.parse(watch.mesh.logs.find((text) => text.includes(id)) ?? '') as Record<string, unknown>
  expect(line).toMatchObject({ event: 'request', status: 200, tenant: 'demo', key: 'k1', model: 'story' })
  expect(line).toMatchObject({ outcome: 'completed', pool: 'eu-central' })
  watch.expectNoTrace()
})

function post(body: BodyInit, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return watch.mesh.fetch('FRA', CHAT, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.demo}`, 'content-type': 'application/json', ...headers },
    body,
  })
}

describe('a marker in what a client sends', () => {
  const good = { model: 'story', messages: [{ role: 'user', content: 'Hello.' }], max_tokens: 2 }
  const bodies = [
    ['a body that is not JSON', MARKER],
    ['a body cut after it', `{"model":"story","user":"${MARKER}`],
    ['a body broken at it', `{"model":"story",${MARKER}:1}`],
    ['a bad escape at it', String.raw`{"model":"story","user":"${MARKER}\q"}`],
    ['a key given twice', `{"${MARKER}":1,"${MARKER}":2}`],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.from(MARKER), Buffer.from([0xff])])],
    ['the name of a field', JSON.stringify({ ...good, [MARKER]: 1 })],
    ['the model', JSON.stringify({ ...good, model: MARKER })],
    ['a role', JSON.stringify({ ...good, messages: [{ role: MARKER, content: 'a' }] })],
    [
      'a member of a message',
      JSON.stringify({ ...good, messages: [{ role: 'user', content: 'a', [MARKER]: 1 }] }),
    ],
    [
      'the type of a part',
      JSON.stringify({ ...good, messages: [{ role: 'user', content: [{ type: MARKER }] }] }),
    ],
    [
      'the URL of an image',
      JSON.stringify({
        ...good,
        messages: [
          {
            role: 'user',
            content: [{ type: 'image_url', image_url: { url: `https://${MARKER}.example/` } }],
          },
        ],
      }),
    ],
    ['a value of a wrong type', JSON.stringify({ ...good, temperature: MARKER })],
    [
      'a name of a tool that is none',
      JSON.stringify({ ...good, tools: [{ type: 'function', function: { name: `${MARKER} !` } }] }),
    ],
    ['a key of the metadata', JSON.stringify({ ...good, metadata: { [MARKER]: 5 } })],
    ['a token id', JSON.stringify({ ...good, logit_bias: { [MARKER]: 5 } })],
    ['a stop that is too long', JSON.stringify({ ...good, stop: MARKER.repeat(50) })],
    ['a forbidden field', JSON.stringify({ ...good, chat_template: `{{ ${MARKER} }}` })],
  ] as const
  test.each(bodies)('as %s is in no error and no log', async (_name, body) => {
    expect((await watch.note(await post(body))).status).toBeGreaterThanOrEqual(400)
    watch.expectNoTrace()
  })

  const goods = [
    ['the prompt', { messages: [{ role: 'user', content: MARKER }] }],
    [
      'an earlier answer',
      {
        messages: [
          { role: 'assistant', content: MARKER },
          { role: 'user', content: 'a' },
        ],
      },
    ],
    ['the user', { user: MARKER }],
    ['the metadata', { metadata: { [MARKER]: MARKER } }],
    ['the cache key', { prompt_cache_key: MARKER }],
    ['the identifier', { safety_identifier: MARKER }],
    ['the tier', { service_tier: MARKER }],
    ['a stop', { stop: [MARKER] }],
    [
      'the name of a tool',
      { tools: [{ type: 'function', function: { name: MARKER, description: MARKER } }] },
    ],
    ['the name of a user', { messages: [{ role: 'user', name: MARKER, content: 'a' }] }],
  ] as const
  test.each(goods)(
    'as %s of a good request is in no log and no header, on either path',
    async (_name, changes) => {
      for (const sampling of [{}, { temperature: 0 }, { temperature: 0, stream: true }]) {
        const { status } = await watch.note(await post(JSON.stringify({ ...good, ...changes, ...sampling })))
        expect(status).toBe(200)
      }
      watch.expectNoTrace()
    },
  )

  const headers = [
    ['x-mesh-cache', MARKER],
    ['x-mesh-residency', MARKER],
    ['x-mesh-residency', `${MARKER};`],
    ['x-mesh-data-class', MARKER],
    ['x-mesh-timeout-ms', MARKER],
    ['x-mesh-cache-ttl', MARKER],
    ['cache-control', `max-age=${MARKER}`],
    ['content-type', `text/${MARKER}`],
    ['content-encoding', MARKER],
    ['authorization', `Bearer ${MARKER}`],
    ['authorization', MARKER],
    ['authorization', `Bearer sk-mesh-${MARKER.toLowerCase()}-0123456789abcdefghijABCDEFGHIX`],
    ['authorization', `Bearer sk-mesh-demo-${MARKER}0123456789abcdefghij`],
    ['user-agent', MARKER],
    ['referer', `https://${MARKER}.example/`],
    ['cookie', MARKER],
    ['traceparent', MARKER],
    ['x-request-id', MARKER],
    ['origin', `https://${MARKER}.example`],
  ] as const
  test.each(headers)('as the header %s: %s', async (name, value) => {
    await watch.note(await post(JSON.stringify(good), { [name]: value }))
    watch.expectNoTrace()
  })

  test('as a path, a query, a model in a path, a tenant of an admin route', async () => {
    const authorization = `Bearer ${KEYS.demo}`
    for (const path of [`/${MARKER}`, `/v1/${MARKER}?${MARKER}=${MARKER}`, `/v1/models/${MARKER}`]) {
      expect(
        (await watch.note(await watch.mesh.fetch('FRA', path, { headers: { authorization } }))).status,
      ).toBe(404)
    }
    const admin = { authorization: `Bearer ${ADMIN_TOKEN}` }
    const purge = await watch.mesh.fetch('FRA', `/admin/v1/tenants/${MARKER}/purge`, {
      method: 'POST',
      headers: admin,
    })
    expect((await watch.note(purge)).status).toBe(404)
    await watch.note(await watch.mesh.fetch('FRA', '/admin/v1/config', { headers: admin }))
    await watch.note(
      await watch.mesh.fetch('FRA', '/admin/v1/pools', { headers: { authorization: `Bearer ${MARKER}` } }),
    )
    watch.expectNoTrace()
  })

  test('as a body that stops half-way', async () => {
    const seen = watch.mesh.logs.length
    const lines = [
      `authorization: Bearer ${KEYS.demo}`,
      'content-type: application/json',
      'content-length: 1000',
    ]
    const { socket, answer } = sendRaw(watch.mesh.url('FRA'), `${postHead(CHAT, lines)}{"user":"${MARKER}`)
    socket.end()
    watch.noteText((await answer)?.body ?? '')
    await expect.poll(() => watch.mesh.logs.length).toBeGreaterThan(seen)
    watch.expectNoTrace()
  })
})

test('every line of the log is one of ours, with members of ours', async () => {
  watch.expectNoTrace()
  const members = new Set(watch.mesh.logs.flatMap((line) => Object.keys(JSON.parse(line) as object)))
  expect([...members].filter((member) => !KNOWN_MEMBERS.has(member))).toEqual([])
  // No exception reached the console, and no broken invariant the last resort.
  expect(watch.mesh.logs.filter((line) => !line.startsWith('{"event":"request"'))).toEqual([])
})
