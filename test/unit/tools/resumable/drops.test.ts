import { createParser } from 'eventsource-parser'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resumable } from '../../../../tools/resumable/resumable.ts'
import { isData, RUN, startRunServer, type RunServer } from './run-server.ts'

/** A short answer with what makes cutting hard: characters of up to four bytes, both line ends, comments, fields. */
const BLOCKS = [
  ': keep-alive\n\n',
  'data: {"n":1}\n\n',
  'data: {"n":2,"text":"naïve – 網 🕸️"}\r\n\r\n',
  ': keep-alive\r\n\r\n',
  'event: x\ndata: 3\ndata: [DONE]\n\n',
  'data:4\n\n',
  'data: [DONE]\n\n',
]
const EVENTS = ['{"n":1}', '{"n":2,"text":"naïve – 網 🕸️"}', '3\n[DONE]', '4', '[DONE]']
const TOTAL_BYTES = Buffer.byteLength(BLOCKS.join(''))
/** Hundreds of requests, on a machine that does other things too. */
const TIMEOUT_MS = 60_000
const AT_ONCE = { backoffMs: [0] }

let server: RunServer
beforeAll(async () => {
  server = await startRunServer()
})
afterAll(() => server.stop())

async function ask(options: Parameters<typeof resumable>[0] = AT_ONCE): Promise<Response> {
  return resumable(options)(`${server.url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer key', 'content-type': 'application/json' },
    body: '{"stream":true}',
  })
}

function eventsIn(text: string): string[] {
  const events: string[] = []
  createParser({ onEvent: ({ data }) => events.push(data) }).feed(text)
  return events
}

/** How many data events have wholly left the server with so many bytes. */
function wholeEventsIn(byteCount: number): number {
  let end = 0
  return BLOCKS.filter((block) => {
    end += Buffer.byteLength(block)
    return end <= byteCount && isData(block)
  }).length
}

describe.each(['destroyed', 'ended'] as const)('a connection that is %s too early', (cut) => {
  test('loses and doubles no event, after whichever byte it was', { timeout: TIMEOUT_MS }, async () => {
    for (let byte = 0; byte < TOTAL_BYTES; byte += 1) {
      server.play(BLOCKS, [{ bytes: byte, cut }])
      expect([byte, eventsIn(await (await ask()).text())]).toEqual([byte, EVENTS])
      expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
        'POST /v1/chat/completions',
        `GET /v1/generations/${RUN}?from=${wholeEventsIn(byte)}`,
      ])
    }
  })

  test('may happen again on every connection that brings an event', { timeout: TIMEOUT_MS }, async () => {
    const longest = Math.max(...BLOCKS.map((block) => Buffer.byteLength(block)))
    for (let bytes = longest + 1; bytes < TOTAL_BYTES; bytes += 1) {
      server.play(BLOCKS, Array(BLOCKS.length).fill({ bytes, cut }))
      const body = await (await ask({ ...AT_ONCE, maxResumes: 2 })).text()
      expect([bytes, eventsIn(body)]).toEqual([bytes, EVENTS])
    }
  })
})

test('a stream that nothing happens to comes through to the byte, in one request', async () => {
  server.play(BLOCKS)
  expect(await (await ask()).text()).toBe(BLOCKS.join(''))
  expect(server.asked).toHaveLength(1)
})

test('asks with the caller’s key, and for a stream', async () => {
  server.play(BLOCKS, [{ bytes: 40, cut: 'destroyed' }])
  await (await ask()).text()
  expect(server.asked[0]).toMatchObject({
    headers: { 'x-mesh-resumable': 'true', authorization: 'Bearer key' },
    body: '{"stream":true}',
  })
  expect(server.asked[1]).toMatchObject({
    headers: { authorization: 'Bearer key', accept: 'text/event-stream' },
    body: '',
  })
  expect(server.asked[1]?.headers).not.toHaveProperty('content-type')
})

test('the answer keeps its status, its headers and its URL', async () => {
  server.play(BLOCKS, [{ bytes: 40, cut: 'destroyed' }])
  const response = await ask()
  expect(response).toMatchObject({ status: 200, ok: true, url: `${server.url}/chat/completions` })
  expect(response.headers.get('x-request-id')).toBe('req_1')
  expect(response.headers.get('x-mesh-run')).toBe(RUN)
  await response.text()
})

test('a mesh that refuses for a while is asked again', async () => {
  server.play(BLOCKS, [{ bytes: 40, cut: 'destroyed' }, { status: 503 }, { status: 429 }])
  expect(eventsIn(await (await ask()).text())).toEqual(EVENTS)
  expect(server.asked).toHaveLength(4)
})
