/** A reader who takes nothing holds nobody back, and never gets for whole what was dropped on the way to it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { inLogShards } from '../support/objects.ts'
import { startOneEngine, type OneEngineMesh } from '../support/one-engine.ts'
import { KEYS } from '../support/mesh-config.ts'
import { postHead, sendRaw, type RawRequest } from '../support/raw-request.ts'

/** Some 17 MB on the wire, and a log that may hold 2 of them: far more than the sockets on the way take. */
const TOKENS = 9000
const LARGE = { max_tokens: TOKENS, ignore_eos: true, logprobs: true, top_logprobs: 20, stream: true }
const MAX_LOG_BYTES = 2 * 1024 * 1024
const LONG_MS = 120_000
const WAIT = { timeout: 60_000, interval: 50 }

let one: OneEngineMesh
beforeAll(async () => {
  one = await startOneEngine({
    colos: ['FRA', 'AMS'],
    engine: { prefillOverheadMs: 500, interTokenLatencyMs: 1 },
    changes: {
      limits: { max_log_bytes: MAX_LOG_BYTES },
      log: { open_within_ms: 10_000, shards_per_home: 1 },
    },
  })
})
afterAll(() => one.mesh.stop())
beforeEach(() => one.engine.clearFaults())

function ask(prompt: string): RawRequest {
  const messages = [{ role: 'user', content: prompt }]
  const json = JSON.stringify({ model: 'story', messages, temperature: 0, ...LARGE })
  const head = postHead('/v1/chat/completions', [
    `authorization: Bearer ${KEYS.demo}`,
    'content-type: application/json',
    'connection: close',
    `content-length: ${Buffer.byteLength(json)}`,
  ])
  return sendRaw(one.mesh.url('FRA'), head + json)
}

test(
  'others read on, to the end; it reads on later, and is told that it has not all',
  async () => {
    const prompt = one.fresh()
    const takes = () => inLogShards(one.mesh, 'SELECT take FROM take ORDER BY take')
    const known = await takes()
    const before = one.made()
    const slow = ask(prompt)
    slow.socket.once('data', () => slow.socket.pause())
    const reader = await one.ask(prompt, LARGE, { colo: 'AMS' })
    expect(one.since(before)).toEqual({ generations: 1, tokens: TOKENS })
    expect([reader.error, reader.finish]).toEqual([undefined, 'length'])
    expect(reader.text.length).toBeGreaterThan(TOKENS)
    // What is larger than a log may be is for those alone who have followed it.
    await expect.poll(takes, WAIT).toEqual(known)

    slow.socket.resume()
    await expect.poll(() => slow.socket.closed, WAIT).toBe(true)
    const received = slow.received()
    expect(received.length).toBeGreaterThan(MAX_LOG_BYTES / 2)
    expect(received.includes('"code":"stream_truncated"')).toBe(true)
    expect(received.includes('"finish_reason":"')).toBe(false)
  },
  LONG_MS,
)
