import { afterEach, describe, expect, test } from 'vitest'
import type { EngineOptions } from '../../../../tools/local/engine/options.ts'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { ask, chunksOf, contentOf, eventsOf, post, readBroken, soon, textOf } from './client.ts'
import { createSkippingClock } from './fake-clock.ts'

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

describe('a fault', () => {
  test.each([0, 1, 5, 70])(
    'makes the engine die after %i tokens: all of them sent, and no finish',
    async (tokens) => {
      const engine = await start()
      const whole = await ask(engine, 'Tell me about the sea.', { ignore_eos: true, max_tokens: 100 })
      engine.setFaults({ die_after_tokens: tokens })
      const response = await chat(engine, {
        ...STREAM,
        ignore_eos: true,
        max_tokens: 100,
        return_token_ids: true,
      })
      expect(response.status).toBe(200)
      const { data, isBroken } = await readBroken(response)
      const chunks = chunksOf(data)
      expect(isBroken).toBe(true)
      expect(data).not.toContain('[DONE]')
      expect(chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? []).length).toBe(tokens)
      expect(contentOf(whole).startsWith(textOf(chunks))).toBe(true)
      expect(chunks.every(({ choices }) => choices[0]?.finish_reason === null)).toBe(true)
      // The engine's death is no client's abort, and it computed no more than it sent.
      await soon(() => expect(engine.stats().running).toBe(0))
      expect(engine.stats()).toMatchObject({ tokens_generated: 100 + tokens, aborted: 0 })
    },
  )

  test('strikes at the last token too, which then carries no finish', async () => {
    const engine = await start()
    engine.setFaults({ die_after_tokens: 5 })
    const { data, isBroken } = await readBroken(await chat(engine, { ...STREAM, max_tokens: 5 }))
    expect([isBroken, chunksOf(data).length]).toEqual([true, 6])
    expect(chunksOf(data).at(-1)?.choices[0]?.finish_reason).toBe(null)
  })

  test('does not touch an answer that is complete before it strikes', async () => {
    const engine = await start()
    engine.setFaults({ die_after_tokens: 5 })
    const data = await eventsOf(await chat(engine, { ...STREAM, max_tokens: 4 }))
    expect(data.at(-1)).toBe('[DONE]')
  })

  test('breaks a whole answer without a byte of it', async () => {
    const engine = await start()
    engine.setFaults({ die_after_tokens: 5 })
    await expect(chat(engine, BODY)).rejects.toThrow()
  })

  test('makes the engine stall: the tokens come, then nothing, and the place stays taken until the client leaves', async () => {
    const engine = await start()
    engine.setFaults({ stall_after_tokens: 3 })
    const controller = new AbortController()
    const response = await chat(engine, STREAM, controller.signal)
    let text = ''
    const decoder = new TextDecoder()
    const reader = response.body?.getReader()
    while (text.split('data: ').length - 1 < 4) text += decoder.decode((await reader?.read())?.value)
    expect(engine.stats()).toMatchObject({ running: 1, tokens_generated: 3, aborted: 0 })
    expect(text).not.toContain('"finish_reason":"')
    controller.abort()
    await soon(() => expect(engine.stats()).toMatchObject({ running: 0, aborted: 1 }))
  })

  test.each([
    [429, 'TooManyRequestsError'],
    [503, 'ServiceUnavailableError'],
    [500, 'InternalServerError'],
  ])('answers %i instead, for as many as was said', async (status, type) => {
    const engine = await start()
    await post(engine, '/admin/faults', { status, times: 2 })
    for (const body of [BODY, STREAM]) {
      const response = await chat(engine, body)
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ error: { type, code: status } })
    }
    expect((await chat(engine, BODY)).status).toBe(200)
    expect(engine.stats()).toMatchObject({ requests: 3, generations: 1 })
  })

  test('redirects, and generates nothing', async () => {
    const engine = await start()
    engine.setFaults({ redirect_to: 'http://127.0.0.1:9/v1/chat/completions', times: 1 })
    const response = await chat(engine, STREAM)
    expect(response.status).toBe(307)
    expect(response.headers.get('location')).toBe('http://127.0.0.1:9/v1/chat/completions')
    expect(engine.stats()).toMatchObject({ requests: 1, generations: 0 })
  })

  test('takes the engine down for all but the admin, until it is cleared', async () => {
    const engine = await start()
    await post(engine, '/admin/faults', { down: true })
    await expect(chat(engine, BODY)).rejects.toThrow()
    await expect(fetch(`${engine.url}/health`)).rejects.toThrow()
    await expect(fetch(`${engine.url}/v1/models`)).rejects.toThrow()
    expect(await (await fetch(`${engine.url}/admin/stats`)).json()).toMatchObject({
      generations: 0,
      aborted: 0,
    })
    expect((await fetch(`${engine.url}/admin/faults`, { method: 'DELETE' })).status).toBe(200)
    expect((await fetch(`${engine.url}/health`)).status).toBe(200)
    expect((await chat(engine, BODY)).status).toBe(200)
  })

  test('makes everything slower by its factor', async () => {
    const clock = createSkippingClock()
    const engine = await start({ clock, prefillOverheadMs: 10, interTokenLatencyMs: 2 })
    await ask(engine, 'Why?', { max_tokens: 3 })
    engine.setFaults({ slow_factor: 10, times: 1 })
    await ask(engine, 'Why?', { max_tokens: 3 })
    await ask(engine, 'Why?', { max_tokens: 3 })
    expect(clock.sleptMs).toEqual([10, 2, 2, 100, 20, 20, 10, 2, 2])
  })

  test('that is none is refused, and changes nothing', async () => {
    const engine = await start()
    engine.setFaults({ status: 503 })
    expect((await post(engine, '/admin/faults', { statuss: 1 })).status).toBe(400)
    expect((await post(engine, '/admin/faults', '{')).status).toBe(400)
    expect(await (await fetch(`${engine.url}/admin/faults`)).json()).toEqual({ status: 503 })
  })
})
