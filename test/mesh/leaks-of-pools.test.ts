/** A marker in what a pool answers reaches no log line, no error, no header, and nobody whom it was not meant for. */
import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { chat } from '../support/chat.ts'
import { MARKER, startLeakWatch, type LeakWatch } from '../support/leak-watch.ts'
import { delta, DONE, role, wholeAnswer } from '../support/pool-events.ts'

const SSE = { 'content-type': 'text/event-stream' }

let watch: LeakWatch
beforeAll(async () => {
  watch = await startLeakWatch()
})
afterAll(async () => watch.stop())

afterEach(() => watch.pool.answerWith(undefined))

/** Lets the pool answer with the script, and notes all that a client gets of it. */
async function askBroken(script: (response: ServerResponse) => void, body: object): Promise<void> {
  async function reachesPool(): Promise<boolean> {
    watch.pool.answerWith(undefined)
    const well = await chat(watch.mesh, 'FRA', 'Are you well?', { body: { max_tokens: 2 } })
    if ((await watch.note(well)).status !== 200) return false
    watch.pool.answerWith(script)
    const asked = watch.pool.requests.length
    // In words of its own, so that no log has the answer.
    const broken = await chat(watch.mesh, 'FRA', `Question ${asked}`, { body: { max_tokens: 2, ...body } })
    watch.noteText((await watch.note(broken)).text)
    return watch.pool.requests.length > asked
  }
  // A pool that has failed is spared for a while, by the edge and by every shard: other words go to another shard.
  await expect.poll(reachesPool, { timeout: 25_000 }).toBe(true)
}

describe('a marker in what a pool answers', () => {
  const error = JSON.stringify({ error: { message: MARKER, type: MARKER, code: MARKER, param: MARKER } })
  const end = (status: number, body: string, headers: Record<string, string> = {}) => {
    return (response: ServerResponse) => void response.writeHead(status, headers).end(body)
  }
  const answers = [
    ['a 400', end(400, error, { [`x-${MARKER}`]: MARKER })],
    [
      'a 400 about the context',
      end(400, JSON.stringify({ error: { message: `maximum context length ${MARKER}` } })),
    ],
    ['a 401', end(401, error, { 'www-authenticate': MARKER })],
    ['a 404', end(404, error)],
    ['a 422', end(422, `{"detail":[{"msg":"${MARKER}"}]}`)],
    ['a 429', end(429, error, { 'retry-after': MARKER })],
    ['a 500', end(500, error)],
    ['a 500 in HTML', end(500, `<h1>${MARKER}</h1>`, { 'content-type': 'text/html' })],
    ['a 503', end(503, MARKER)],
    ['a redirect', end(307, MARKER, { location: `http://${MARKER}.example/` })],
    ['a 200 in HTML', end(200, `<h1>${MARKER}</h1>`, { 'content-type': 'text/html' })],
    [
      'a 200 that is no stream',
      end(200, JSON.stringify({ choices: [], note: MARKER }), { 'content-type': 'application/json' }),
    ],
    ['an error event at once', end(200, `data: ${error}\n\n${DONE}`, SSE)],
    ['an event that is not JSON', end(200, `data: ${MARKER}\n\n`, SSE)],
    ['an error event in mid-stream', end(200, `${role()}${delta('Well')}data: ${error}\n\n${DONE}`, SSE)],
    [
      'an event that is not JSON in mid-stream',
      end(200, `${role()}${delta('Well')}data: {${MARKER}\n\n`, SSE),
    ],
    [
      'an event with another name',
      end(200, `${role()}${delta('Well')}event: ${MARKER}\ndata: {"error":"${MARKER}"}\n\n`, SSE),
    ],
    ['a comment', end(200, `: ${MARKER}\n\n${role()}${delta('Well')}`, SSE)],
  ] as const
  test.each(answers)('as %s reaches no client, no log and no later answer', async (_name, script) => {
    for (const body of [{}, { stream: true }, { temperature: 0 }, { temperature: 0, stream: true }]) {
      await askBroken(script, body)
    }
    watch.pool.answerWith(undefined)
    watch.expectNoTrace()
  })

  test('in the headers of a good answer is not passed on', async () => {
    watch.pool.answerWith((response) =>
      response
        .writeHead(200, {
          ...SSE,
          [`x-${MARKER}`]: MARKER,
          'set-cookie': MARKER,
          server: MARKER,
          'x-request-id': MARKER,
        })
        .end(wholeAnswer('Good.')),
    )
    const { status } = await watch.note(await chat(watch.mesh, 'FRA', 'Good?', { body: { max_tokens: 2 } }))
    watch.pool.answerWith(undefined)
    expect(status).toBe(200)
    watch.expectNoTrace()
  })
})

test('what one client was answered is no other client’s', async () => {
  watch.pool.answerWith((response) => response.writeHead(200, SSE).end(wholeAnswer(MARKER)))
  const body = { max_tokens: 2, temperature: 0 }
  const first = await chat(watch.mesh, 'FRA', 'A secret?', { body })
  expect(await first.text()).toContain(MARKER)
  watch.pool.answerWith(undefined)
  const others = await Promise.all([
    chat(watch.mesh, 'FRA', 'A secret?', { body, tenant: 'eu-bank' }),
    chat(watch.mesh, 'FRA', 'A secret!', { body }),
    chat(watch.mesh, 'FRA', 'A secret?', { body: { ...body, seed: 1 } }),
  ])
  for (const other of others) {
    const { status, text } = await watch.note(other)
    expect(status).toBe(200)
    expect(text).not.toContain(MARKER)
  }
  watch.expectNoTrace()
})
