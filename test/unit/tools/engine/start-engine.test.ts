import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { EngineOptions } from '../../../../tools/local/engine/options.ts'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { eventsOf, metric, post, readBroken, soon, waiting } from './client.ts'
import { createFakeClock, createSkippingClock } from './fake-clock.ts'

const engines: Engine[] = []
async function start(options: EngineOptions = {}): Promise<Engine> {
  const engine = await startEngine(options)
  engines.push(engine)
  return engine
}
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close()
})

const BODY = { messages: [{ role: 'user', content: 'Tell me about the sea.' }], temperature: 0 }
const STREAM = { ...BODY, stream: true }
const chat = (engine: Engine, body: object, signal?: AbortSignal) =>
  post(engine, '/v1/chat/completions', body, signal === undefined ? {} : { signal })

describe('load', () => {
  test('beyond the queue is refused with 429, in order of arrival, and what waits is served', async () => {
    const clock = createFakeClock()
    const engine = await start({ clock, maxNumSeqs: 1, maxWaitingQueueLength: 1, prefillOverheadMs: 1_000 })
    const first = chat(engine, BODY)
    await soon(() => expect(engine.stats().running).toBe(1))
    // A stream's headers come while it still waits, as vLLM sends them.
    const second = await chat(engine, STREAM)
    expect(second.status).toBe(200)
    expect(await waiting(engine)).toBe(1)
    const third = await chat(engine, BODY)
    expect(third.status).toBe(429)
    expect(await third.json()).toMatchObject({ error: { code: 429 } })
    await clock.advance(1_000)
    expect((await first).status).toBe(200)
    await clock.advance(1_000)
    expect((await eventsOf(second)).at(-1)).toBe('[DONE]')
  })

  test('is shown while it lasts', async () => {
    const clock = createFakeClock()
    const engine = await start({ clock, maxNumSeqs: 1, kvCacheSize: 10, prefillOverheadMs: 1_000 })
    const answers = [chat(engine, BODY), chat(engine, BODY)]
    await soon(async () => expect(await waiting(engine)).toBe(1))
    expect(await metric(engine, 'num_requests_running')).toBe(1)
    // Ten tokens are one block of ten.
    expect(await metric(engine, 'kv_cache_usage_perc')).toBe(0.1)
    await clock.advance(1_000)
    await soon(async () => expect(await waiting(engine)).toBe(0))
    await clock.advance(1_000)
    await Promise.all(answers)
    expect(await metric(engine, 'kv_cache_usage_perc')).toBe(0)
  })
})

describe('distance', () => {
  const rttMatrix = { 'eu-central': { 'us-east': 92 }, 'ap-southeast': { 'eu-central': 160 } }
  test.each([
    ['us-east', [92]],
    ['ap-southeast', [160]],
    ['eu-central', []],
    ['nowhere', []],
    ['__proto__', []],
    [undefined, []],
  ])('from %s costs one round trip before anything else', async (region, sleptMs) => {
    const clock = createSkippingClock()
    const engine = await start({ clock, region: 'eu-central', rttMatrix })
    const headers: Record<string, string> = region === undefined ? {} : { 'x-sim-edge-region': region }
    await post(engine, '/v1/chat/completions', BODY, { headers })
    expect(clock.sleptMs).toEqual(sleptMs)
  })
})

describe('an engine', () => {
  test('does not start on a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    await expect(startEngine({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    server.close()
  })

  test('closes at once with answers in progress', async () => {
    const engine = await start({ clock: createFakeClock(), prefillOverheadMs: 1_000 })
    const response = await chat(engine, STREAM)
    await engine.close()
    expect((await readBroken(response)).isBroken).toBe(true)
    expect(engine.stats().running).toBe(0)
  })
})
