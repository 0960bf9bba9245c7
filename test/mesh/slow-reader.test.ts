/** A reader who takes nothing holds nobody back, and never gets for whole what was dropped on the way to it. */
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chat } from '../support/chat.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { inLogShards, SHARDS_PER_HOME } from '../support/objects.ts'
import { delta, DONE, finish, usage } from '../support/pool-events.ts'
import { postHead, sendRaw } from '../support/raw-request.ts'
import { startRecordingPool, type RecordingPool } from '../support/recording-pool.ts'

const MEBIBYTE = 1024 * 1024
const PIECE = 'x'.repeat(64 * 1024)
/** Sockets on the way take some megabytes, and the log holds two. */
const ROUNDS = 24
const PIECES_A_ROUND = 16
const LONG_MS = 120_000
const WAIT = { timeout: 60_000, interval: 10 }
const BODY = { stream: true, temperature: 0, logprobs: true }

let pool: RecordingPool
let mesh: TestMesh
beforeAll(async () => {
  pool = await startRecordingPool()
  mesh = await startMesh({
    colos: ['FRA', 'AMS'],
    pools: Object.fromEntries(['eu-central', 'us-east', 'ap-southeast'].map((id) => [id, pool.url])),
    config: (urls) =>
      aMeshConfig(urls, {
        limits: { max_log_bytes: 2 * MEBIBYTE },
        log: { open_within_ms: 10_000, shards_per_home: SHARDS_PER_HOME },
      }),
  })
  for (const colo of ['FRA', 'AMS']) await (await chat(mesh, colo, `Warm up ${colo}`, { body: BODY })).text()
})
afterAll(async () => {
  await mesh.stop()
  await pool.stop()
})

/** Opens a stream and reads no more of it than its beginning, until it is told to. */
function slowReader(prompt: string) {
  const messages = [{ role: 'user', content: prompt }]
  const json = JSON.stringify({ model: 'story', messages, ...BODY })
  const head = postHead('/v1/chat/completions', [
    `authorization: Bearer ${KEYS.demo}`,
    'content-type: application/json',
    'connection: close',
    `content-length: ${Buffer.byteLength(json)}`,
  ])
  const slow = sendRaw(mesh.url('FRA'), head + json)
  slow.socket.once('data', () => slow.socket.pause())
  return slow
}

/** What comes to a reader who takes everything at once. */
function attentiveReader(response: Response) {
  let text = ''
  async function readAll(): Promise<string> {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true }
      if (done) return text
      text += value
    }
  }
  return { whole: readAll(), length: () => text.length }
}

test(
  'others read on, to the end; it reads on later, and is told that it has not all',
  async () => {
    const prompt = 'A long story'
    let response: ServerResponse | undefined
    pool.answerWith((opened) => {
      response = opened.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(delta('Once'))
    })
    const takes = () => inLogShards(mesh, 'SELECT take FROM take ORDER BY take')
    const known = await takes()
    const asked = pool.requests.length
    const slow = slowReader(prompt)
    await expect.poll(() => slow.socket.isPaused(), WAIT).toBe(true)
    const joined = await chat(mesh, 'AMS', prompt, { body: BODY })
    expect(joined.headers.get('x-mesh-cache')).toBe('coalesced')
    const attentive = attentiveReader(joined)

    // No faster than one of them reads.
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (let piece = 0; piece < PIECES_A_ROUND; piece += 1) response?.write(delta(PIECE))
      await expect.poll(attentive.length, WAIT).toBeGreaterThan(round * PIECES_A_ROUND * PIECE.length)
    }
    response?.end(finish() + usage(5, 400) + DONE)
    const whole = await attentive.whole
    expect(whole.length).toBeGreaterThan(ROUNDS * MEBIBYTE)
    expect(whole.split(PIECE).length - 1).toBe(ROUNDS * PIECES_A_ROUND)
    expect(whole.includes('"finish_reason":"stop"')).toBe(true)
    expect(whole.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(pool.requests.length - asked).toBe(1)
    // What is larger than a log may be is for those alone who have followed it.
    await expect.poll(takes, WAIT).toEqual(known)

    slow.socket.resume()
    await expect.poll(() => slow.socket.closed, WAIT).toBe(true)
    const received = slow.received()
    expect(received.length).toBeLessThan(ROUNDS * MEBIBYTE)
    expect(received.includes('"code":"stream_truncated"')).toBe(true)
    expect(received.includes('"finish_reason":"')).toBe(false)
    expect(received.includes('data: [DONE]')).toBe(true)
  },
  LONG_MS,
)
