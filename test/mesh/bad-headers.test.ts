/** Whatever stands in the request line and the headers, it is refused with a reason, before the body. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bodyWith } from '../support/bad-body.ts'
import { chat } from '../support/chat.ts'
import { KEYS } from '../support/mesh-config.ts'
import type { TestMesh } from '../support/mesh.ts'
import { postHead, sendRaw } from '../support/raw-request.ts'
import {
  ask,
  CHAT,
  expectGood,
  expectRefusal,
  expectWholeBudget,
  startTightMesh,
} from '../support/tight-mesh.ts'

const KEY = `authorization: Bearer ${KEYS.demo}`
const JSON_TYPE = 'content-type: application/json'

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startTightMesh()
})
afterAll(async () => mesh.stop())

describe('a key', () => {
  const other = KEYS['eu-bank']
  const keys = [
    ['a scheme that is not Bearer', `Basic ${KEYS.demo}`],
    ['no scheme', KEYS.demo],
    ['Bearer alone', 'Bearer'],
    ['Bearer twice', `Bearer Bearer ${KEYS.demo}`],
    ['a key of no form', 'Bearer sk-1234567890'],
    ['a tenant that does not exist', 'Bearer sk-mesh-nobody-0123456789abcdefghijABCDEFGHIJ'],
    ['a tenant that is __proto__', 'Bearer sk-mesh-__proto__-0123456789abcdefghijABCDEFGHIJ'],
    ['a tenant that is constructor', 'Bearer sk-mesh-constructor-0123456789abcdefghijABCDEFGHIJ'],
    ['a wrong secret', 'Bearer sk-mesh-demo-0123456789abcdefghijABCDEFGHIX'],
    [
      'another tenant’s secret under this name',
      `Bearer ${KEYS.demo.replace('demo', 'eu-bank').replace('0123', '1123')}`,
    ],
    ['a secret that is cut', `Bearer ${KEYS.demo.slice(0, -1)}`],
    ['a secret with something behind', `Bearer ${KEYS.demo}x`],
    ['two keys in one', `Bearer ${KEYS.demo}, Bearer ${other}`],
    ['the same key twice', `Bearer ${KEYS.demo}, Bearer ${KEYS.demo}`],
    ['other letters', `Bearer ${KEYS.demo.toUpperCase()}`],
    ['a very long key', `Bearer sk-mesh-demo-${'a'.repeat(8000)}`],
    ['bytes beyond ASCII', `Bearer ${KEYS.demo}\u{e9}`],
    ['the hash of the key', 'Bearer 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8'],
  ] as const
  test.each(keys)('with %s is not valid', async (_name, authorization) => {
    for (const path of [CHAT, '/v1/completions']) {
      const response = await ask(mesh, {
        path,
        headers: { authorization, 'content-type': 'application/json' },
      })
      await expectRefusal(response, { status: 401, code: 'invalid_api_key' })
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
    }
    const models = await mesh.fetch('FRA', '/v1/models', { headers: { authorization } })
    await expectRefusal(models, { status: 401, code: 'invalid_api_key' })
  })

  test('in two headers of its own is not valid, whichever of them is', async () => {
    const body = bodyWith({})
    for (const lines of [
      [KEY, `authorization: Bearer ${other}`],
      ['authorization: Bearer wrong', KEY],
      [KEY, KEY],
    ]) {
      const head = postHead(CHAT, [...lines, JSON_TYPE, `content-length: ${body.length}`])
      const { answer, socket } = sendRaw(mesh.url('FRA'), head + body)
      expect((await answer)?.status).toBe(401)
      socket.destroy()
    }
  })

  test.each(['', '?api_key=', '?key='])('that is nowhere but in the URL (%s) is missing', async (query) => {
    const path = query === '' ? CHAT : `${CHAT}${query}${KEYS.demo}`
    await expectRefusal(await ask(mesh, { path, headers: { 'content-type': 'application/json' } }), {
      status: 401,
      code: 'missing_api_key',
    })
  })

  test('is checked before a byte of the body is read', async () => {
    const lines = ['authorization: Bearer wrong', 'content-type: text/plain', 'content-length: 999999999']
    const { answer, socket } = sendRaw(mesh.url('FRA'), postHead(CHAT, lines))
    const refused = await answer
    socket.destroy()
    expect(refused?.status).toBe(401)
    await expectGood(mesh)
  })

  test('opens no admin route, and the admin token no other', async () => {
    for (const authorization of [
      `Bearer ${KEYS.demo}`,
      'Bearer ',
      'Bearer test-admin-token',
      'test-admin-token-0123456789abcdef',
    ]) {
      const response = await mesh.fetch('FRA', '/admin/v1/pools', { headers: { authorization } })
      await expectRefusal(response, { status: 401, code: 'admin_unauthorized' })
    }
    await expectRefusal(await mesh.fetch('FRA', '/admin/v1/nothing'), {
      status: 401,
      code: 'admin_unauthorized',
    })
    const headers = {
      authorization: 'Bearer test-admin-token-0123456789abcdef',
      'content-type': 'application/json',
    }
    await expectRefusal(await ask(mesh, { headers }), { status: 401, code: 'invalid_api_key' })
  })
})

describe('a method or path', () => {
  const methods = [
    ['GET', CHAT, 'POST'],
    ['PUT', CHAT, 'POST'],
    ['DELETE', CHAT, 'POST'],
    ['PATCH', CHAT, 'POST'],
    ['OPTIONS', CHAT, 'POST'],
    ['GET', '/v1/completions', 'POST'],
    ['POST', '/v1/models', 'GET'],
    ['POST', '/v1/models/story', 'GET'],
    ['POST', '/healthz', 'GET'],
  ] as const
  test.each(methods)('%s %s is not taken', async (method, path, allow) => {
    const response = await ask(mesh, { method, path })
    await expectRefusal(response, { status: 405, code: 'method_not_allowed' })
    expect(response.headers.get('allow')).toBe(allow)
  })

  test.each([
    '/',
    '/v1',
    `${CHAT}/`,
    '/V1/chat/completions',
    '/v1/chat/completions%2f',
    '/v1/moderations',
    '//v1/models',
    '/v1/%00',
    '/%ff',
  ])('at %s there is nothing', async (path) => {
    await expectRefusal(await ask(mesh, { path }), { status: 404, code: 'not_found' })
  })

  test.each(['nothing', '..%2fstory', '%ff', '%00', 'story/x', '__proto__'])(
    'no model is called %s',
    async (model) => {
      const response = await ask(mesh, { method: 'GET', path: `/v1/models/${model}` })
      await expectRefusal(response, { status: 404, code: 'model_not_found', param: 'model' })
    },
  )
})

describe('a header', () => {
  const invalid = [
    ['x-mesh-cache', 'maybe'],
    ['x-mesh-cache', ''],
    ['x-mesh-cache', 'on, off'],
    ['x-mesh-cache', 'constructor'],
    ['x-mesh-cache', '__proto__'],
    ['x-mesh-cache-ttl', '0'],
    ['x-mesh-cache-ttl', '-1'],
    ['x-mesh-cache-ttl', '1.5'],
    ['x-mesh-cache-ttl', '1e3'],
    ['x-mesh-cache-ttl', '99999999999999999999'],
    ['x-mesh-cache-ttl', 'forever'],
    ['cache-control', 'max-age=soon'],
    ['cache-control', 'max-age'],
    ['cache-control', 'max-age=-1'],
    ['x-mesh-residency', '; drop'],
    ['x-mesh-residency', ''],
    ['x-mesh-residency', 'eu,'],
    ['x-mesh-residency', 'eu us'],
    ['x-mesh-residency', '*'],
    ['x-mesh-residency', 'e'.repeat(257)],
    ['x-mesh-data-class', 'a b'],
    ['x-mesh-data-class', ''],
    ['x-mesh-data-class', 'health, none'],
    ['x-mesh-timeout-ms', '-5'],
    ['x-mesh-timeout-ms', '0'],
    ['x-mesh-timeout-ms', '1.5'],
    ['x-mesh-timeout-ms', '1e3'],
    ['x-mesh-timeout-ms', ''],
    ['x-mesh-timeout-ms', 'soon'],
    ['x-mesh-timeout-ms', '100, 200'],
    ['x-mesh-timeout-ms', '99999999999'],
  ] as const
  test.each(invalid)('%s: %s is refused, not ignored', async (name, value) => {
    const headers = {
      authorization: `Bearer ${KEYS.demo}`,
      'content-type': 'application/json',
      [name]: value,
    }
    const text = await expectRefusal(await ask(mesh, { headers }), { status: 400, code: 'invalid_header' })
    expect(text).toContain(name)
  })

  test.each(['mars', 'EU', 'eu-centra', 'proto', 'constructor'])(
    'that narrows to %s, which is no place of ours, leaves nothing',
    async (place) => {
      const response = await chat(mesh, 'FRA', 'Where?', { headers: { 'x-mesh-residency': place } })
      await expectRefusal(response, { status: 403, code: 'residency_violation' })
    },
  )

  test('that we do not know changes nothing, however large or odd', async () => {
    const response = await chat(mesh, 'FRA', 'Hello.', {
      body: { max_tokens: 2 },
      headers: {
        'x-filler': 'x'.repeat(8000),
        'accept-encoding': 'rot13',
        accept: 'application/xml',
        'x-request-id': 'req_mine',
        'x-client-request-id': 'a b <script>',
        'x-http-method-override': 'DELETE',
        'content-language': '\u{e9}',
      },
    })
    expect(response.status, await response.text()).toBe(200)
    expect(response.headers.get('x-request-id')).not.toBe('req_mine')
    expect(response.headers.get('x-client-request-id')).toBeNull()
  })
})

test('after all of it no byte of the budget is missing', () => expectWholeBudget(mesh))
