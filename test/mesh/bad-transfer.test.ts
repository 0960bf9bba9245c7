/** However a body is sent, cut off or lied about, it is refused in time and leaves nothing behind. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bodyWith } from '../support/bad-body.ts'
import { KEYS } from '../support/mesh-config.ts'
import type { TestMesh } from '../support/mesh.ts'
import { postHead, sendRaw, type RawRequest } from '../support/raw-request.ts'
import {
  ask,
  askedOfPools,
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

describe('the way a body is sent', () => {
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/json, text/plain',
    'text/json',
    'json',
  ]
  test.each(types)('as %s is refused', async (type) => {
    const headers = { authorization: `Bearer ${KEYS.demo}`, 'content-type': type }
    await expectRefusal(await ask(mesh, { headers }), { status: 415, code: 'unsupported_media_type' })
  })

  test('without a type is refused', async () => {
    const headers = { authorization: `Bearer ${KEYS.demo}` }
    const body = new TextEncoder().encode(bodyWith({}))
    await expectRefusal(await ask(mesh, { headers, body }), { status: 415, code: 'unsupported_media_type' })
  })

  test.each(['application/json; charset=utf-8', 'Application/JSON', 'application/json ;charset="utf-8"'])(
    'as %s is taken',
    async (type) => {
      const headers = { authorization: `Bearer ${KEYS.demo}`, 'content-type': type }
      const response = await ask(mesh, { headers })
      expect(response.status, await response.text()).toBe(200)
    },
  )

  test.each(['gzip', 'br', 'deflate', 'identity, gzip', 'rot13'])(
    'encoded with %s is refused',
    async (encoding) => {
      const headers = {
        authorization: `Bearer ${KEYS.demo}`,
        'content-type': 'application/json',
        'content-encoding': encoding,
      }
      const body = gzipSync(bodyWith({}))
      await expectRefusal(await ask(mesh, { headers, body }), { status: 415, code: 'unsupported_media_type' })
    },
  )

  test('in chunks is counted, and refused as soon as it is too large', async () => {
    let sentChunks = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sentChunks += 1
        controller.enqueue(new TextEncoder().encode('x'.repeat(64 * 1024)))
        if (sentChunks === 1000) controller.close()
      },
    })
    // The mesh answers in mid-body; a client that goes on sending may see that as a broken connection.
    const response = await ask(mesh, { body }).catch(() => undefined)
    if (response !== undefined) await expectRefusal(response, { status: 413, code: 'body_too_large' })
    expect(sentChunks).toBeLessThan(1000)
    await expectGood(mesh)
  })

  test('in chunks within the limit is taken', async () => {
    const body = new Blob([bodyWith({})]).stream()
    const response = await ask(mesh, { body })
    expect(response.status, await response.text()).toBe(200)
  })

  const lengths = ['1048577', '999999999999', '9007199254740993']
  test.each(lengths)('with %s bytes announced is refused before a byte of it came', async (length) => {
    const { answer, socket } = sendRaw(
      mesh.url('FRA'),
      postHead(CHAT, [KEY, JSON_TYPE, `content-length: ${length}`]),
    )
    const refused = await answer
    socket.destroy()
    expect(refused?.status).toBe(413)
    expect(JSON.parse(refused?.body ?? '')).toMatchObject({ error: { code: 'body_too_large' } })
    await expectGood(mesh)
  })

  const lies = [
    ['a length that is no number', ['content-length: many']],
    ['a negative length', ['content-length: -1']],
    ['two lengths', ['content-length: 5', 'content-length: 500']],
    ['a length and chunks', ['content-length: 5', 'transfer-encoding: chunked']],
    ['a coding that is none', ['transfer-encoding: rot13']],
  ] as const
  test.each(lies)('with %s reaches no pool, and never as two requests', async (_name, lines) => {
    const before = askedOfPools(mesh)
    const body = bodyWith({})
    const smuggled = postHead(CHAT, [KEY, JSON_TYPE, `content-length: ${body.length}`]) + body
    const request = sendRaw(
      mesh.url('FRA'),
      `${postHead(CHAT, [KEY, JSON_TYPE, ...lines])}0\r\n\r\n${smuggled}`,
    )
    request.socket.end()
    const answer = await request.answer
    request.socket.destroy()
    expect(answer?.status ?? 400).toBeGreaterThanOrEqual(400)
    expect(answer?.status ?? 400).toBeLessThan(502)
    await expectGood(mesh)
    expect(askedOfPools(mesh)).toBe(before + 1)
  })
})

/** Most of the budget, so that two of it do not fit. */
const LARGE = bodyWith({ messages: [{ role: 'user', content: 'x'.repeat(700_000) }] })

/** Sends a part of a body, and resolves when the mesh holds it. */
async function hold(text: string): Promise<RawRequest> {
  let request = sendRaw(mesh.url('FRA'), text)
  const isHeld = async (): Promise<boolean> => {
    // It came too late for its bytes: another was holding them.
    if (request.received() !== '') request = sendRaw(mesh.url('FRA'), text)
    await request.sent
    return (await ask(mesh, { body: LARGE })).status === 503
  }
  await expect.poll(isHeld, { timeout: 10_000 }).toBe(true)
  return request
}

async function expectReleased(): Promise<void> {
  await expect.poll(async () => (await ask(mesh, { body: LARGE })).status, { timeout: 10_000 }).toBe(200)
}

describe('a body that stops half-way', () => {
  const endings = [
    ['closes its half', (request: RawRequest) => request.socket.end()],
    ['is reset', (request: RawRequest) => request.socket.resetAndDestroy()],
    ['is closed', (request: RawRequest) => request.socket.destroy()],
  ] as const
  const framings = [
    ['a length', ['content-length: 900000'], (text: string) => text],
    [
      'chunks',
      ['transfer-encoding: chunked'],
      (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`,
    ],
  ] as const
  const rows = framings.flatMap(([framing, lines, frame]) =>
    endings.map(([ending, end]) => [framing, ending, lines, frame, end] as const),
  )
  test.each(rows)(
    'sent with %s, and then the connection %s: it is recorded, and nothing is held',
    async (...row) => {
      const [, , lines, frame, end] = row
      const half = LARGE.slice(0, -10)
      const request = await hold(postHead(CHAT, [KEY, JSON_TYPE, ...lines]) + frame(half))
      const seen = mesh.logs.length
      end(request)
      const answer = await request.answer
      request.socket.destroy()
      if (answer !== undefined) {
        expect(answer.status).toBe(400)
        expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'body_incomplete' } })
      }
      await expectReleased()
      const records = (): string[] =>
        mesh.logs.slice(seen).filter((line) => line.includes('"body_incomplete"'))
      await expect.poll(() => records().length, { timeout: 5000 }).toBe(1)
    },
  )
})

test('a body that drips is cut off in time, and gives back what it held', async () => {
  const request = sendRaw(mesh.url('FRA'), postHead(CHAT, [KEY, JSON_TYPE, 'content-length: 900']) + '{"mo')
  const answer = await request.answer
  request.socket.destroy()
  expect(answer?.status).toBe(408)
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ error: { code: 'body_too_slow' } })
  await expectReleased()
})

describe('when too many bytes are being held', () => {
  test('the next body is told to come back, and fits when the first is gone', async () => {
    const waiting = await hold(postHead(CHAT, [KEY, JSON_TYPE, 'content-length: 900000']) + LARGE)
    const busy = await ask(mesh, { body: LARGE })
    await expectRefusal(busy, { status: 503, code: 'edge_busy' })
    expect(busy.headers.get('retry-after')).toBe('1')
    // A small one still fits.
    await expectGood(mesh)
    waiting.socket.resetAndDestroy()
    await expectReleased()
  })

  test('the bytes of a client that leaves while a pool makes it wait are given back', async () => {
    const engines = Object.values(mesh.engines)
    for (const engine of engines) engine.setFaults({ stall_after_tokens: 0 })
    const whole = postHead(CHAT, [KEY, JSON_TYPE, `content-length: ${LARGE.length}`]) + LARGE
    const waiting = sendRaw(mesh.url('FRA'), whole)
    await expect
      .poll(() => engines.reduce((sum, engine) => sum + engine.stats().running, 0), { timeout: 5000 })
      .toBe(1)
    expect((await ask(mesh, { body: LARGE })).status).toBe(503)
    waiting.socket.resetAndDestroy()
    for (const engine of engines) engine.clearFaults()
    await expectReleased()
  })
})

test('after all of it no byte of the budget is missing', () => expectWholeBudget(mesh))
