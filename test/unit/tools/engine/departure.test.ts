import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { EngineOptions } from '../../../../tools/local/engine/options.ts'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { post, soon, waiting } from './client.ts'
import { createFakeClock } from './fake-clock.ts'

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

describe('a client that leaves', () => {
  test.each([
    ['a stream during prefill', STREAM, 0],
    ['a whole answer during prefill', BODY, 0],
    ['a whole answer in the middle', BODY, 1_030],
  ])('leaving %s frees the place at once', async (_, body, afterMs) => {
    const clock = createFakeClock()
    const engine = await start({ clock, prefillOverheadMs: 1_000, interTokenLatencyMs: 10 })
    const controller = new AbortController()
    const answer = chat(engine, body, controller.signal).catch(() => undefined)
    await soon(() => expect(engine.stats().running).toBe(1))
    await clock.advance(afterMs)
    controller.abort()
    await answer
    const leftAt = performance.now()
    await soon(() => expect(engine.stats()).toMatchObject({ running: 0, aborted: 1 }))
    expect(performance.now() - leftAt).toBeLessThan(500)
  })

  test('in the middle of a stream frees the place at once, though nothing has latency', async () => {
    const engine = await start({ maxModelLen: 10_000_000 })
    const controller = new AbortController()
    const response = await chat(engine, { ...STREAM, ignore_eos: true }, controller.signal)
    await response.body?.getReader().read()
    controller.abort()
    await soon(() => expect(engine.stats()).toMatchObject({ running: 0, aborted: 1 }))
    expect(engine.stats().tokens_generated).toBeLessThan(9_000_000)
  })

  test('while it waits in the queue is not generated for, and is counted', async () => {
    const clock = createFakeClock()
    const engine = await start({ clock, maxNumSeqs: 1, prefillOverheadMs: 1_000 })
    const first = chat(engine, BODY)
    await soon(() => expect(engine.stats().running).toBe(1))
    const controller = new AbortController()
    const second = chat(engine, BODY, controller.signal).catch(() => 'left')
    await soon(async () => expect(await waiting(engine)).toBe(1))
    controller.abort()
    expect(await second).toBe('left')
    await soon(() => expect(engine.stats().aborted).toBe(1))
    expect(await waiting(engine)).toBe(0)
    await clock.advance(5_000)
    expect((await first).status).toBe(200)
    expect(engine.stats()).toMatchObject({ requests: 2, generations: 1, aborted: 1 })
  })

  test('in the middle of its own body costs nothing, and the next request works', async () => {
    const engine = await start()
    const socket = connect(engine.port, '127.0.0.1')
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"messages":')
    await soon(() => expect(engine.stats().requests).toBe(1))
    socket.destroy()
    await soon(() => expect(engine.stats()).toMatchObject({ aborted: 1, generations: 0 }))
    expect((await chat(engine, BODY)).status).toBe(200)
  })

  test('after its answer is complete is no abort', async () => {
    const engine = await start()
    await (await chat(engine, STREAM)).text()
    await (await chat(engine, BODY)).text()
    await engine.close()
    expect(engine.stats().aborted).toBe(0)
  })
})
