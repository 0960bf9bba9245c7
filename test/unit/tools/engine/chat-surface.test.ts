import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { ask, chunksOf, contentOf, eventsOf, post, textOf, type Whole } from './client.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({ model: 'sim', servedModelNames: ['sim-8b', 'alias'], maxModelLen: 2_000 })
})
beforeEach(() => engine.clearCache())
afterAll(() => engine.close())

const MESSAGES = [{ role: 'user', content: 'Tell me about the sea.' }]
const GREEDY = { messages: MESSAGES, temperature: 0 }

describe('the chat surface', () => {
  test('answers whole in vLLM’s shape', async () => {
    const whole = await ask(engine, 'Tell me about the sea.', { model: 'alias', max_tokens: 3 })
    expect(whole).toMatchObject({
      object: 'chat.completion',
      model: 'sim-8b',
      choices: [
        {
          index: 0,
          message: { role: 'assistant' },
          logprobs: null,
          finish_reason: 'length',
          stop_reason: null,
        },
      ],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 3,
        total_tokens: 13,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    })
    expect(whole.id).toMatch(/^chatcmpl-[0-9a-f]{32}$/)
  })

  test('streams a role chunk, a chunk per token, the finish with the last token, and [DONE]', async () => {
    const response = await post(engine, '/v1/chat/completions', { ...GREEDY, stream: true, max_tokens: 3 })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const data = await eventsOf(response)
    expect(data.at(-1)).toBe('[DONE]')
    const chunks = chunksOf(data)
    const text = contentOf(await ask(engine, 'Tell me about the sea.', { max_tokens: 3 }))
    expect(textOf(chunks)).toBe(text)
    expect(chunks.map(({ choices }) => choices[0])).toEqual([
      { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
      ...[1, 2].map(() => ({
        index: 0,
        delta: { content: expect.stringMatching(/./u) },
        logprobs: null,
        finish_reason: null,
      })),
      {
        index: 0,
        delta: { content: expect.stringMatching(/./u) },
        logprobs: null,
        finish_reason: 'length',
        stop_reason: null,
      },
    ])
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(chunks.every((chunk) => chunk.object === 'chat.completion.chunk' && !('usage' in chunk))).toBe(
      true,
    )
  })

  test('streams usage after the finish when asked, and on every chunk when asked', async () => {
    const stream = { stream: true, max_tokens: 3, stream_options: { include_usage: true } }
    const plain = chunksOf(
      await eventsOf(await post(engine, '/v1/chat/completions', { ...GREEDY, ...stream })),
    )
    expect(plain.map((chunk) => chunk.usage?.completion_tokens)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      3,
    ])
    expect(plain.at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 3,
        total_tokens: 13,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    })
    const options = { stream_options: { include_usage: true, continuous_usage_stats: true } }
    const body = { ...GREEDY, ...stream, ...options }
    const continuous = chunksOf(await eventsOf(await post(engine, '/v1/chat/completions', body)))
    expect(continuous.map((chunk) => chunk.usage?.completion_tokens)).toEqual([0, 1, 2, 3, 3])
    expect(continuous.map((chunk) => chunk.usage?.total_tokens)).toEqual([10, 11, 12, 13, 13])
    expect(continuous.map((chunk) => chunk.usage?.prompt_tokens_details)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      { cached_tokens: 0 },
    ])
  })

  test('ends by itself with "stop", and counts the end of the turn as a token', async () => {
    const body = { ...GREEDY, stream: true, stream_options: { include_usage: true } }
    const chunks = chunksOf(await eventsOf(await post(engine, '/v1/chat/completions', body)))
    const finish = chunks.at(-2)
    expect(finish?.choices[0]).toMatchObject({
      delta: { content: '' },
      finish_reason: 'stop',
      stop_reason: null,
    })
    // One chunk for the role and one for usage.
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(chunks.length - 2)
  })

  test('continues the last message from any cut, to the letter, and counts prompt and answer once', async () => {
    const whole = await ask(engine, 'Tell me about the sea.')
    const text = contentOf(whole)
    for (const cut of [1, 2, 13, 40, 41, text.length]) {
      const messages = [...MESSAGES, { role: 'assistant', content: text.slice(0, cut) }]
      const flags = { continue_final_message: true, add_generation_prompt: false }
      const response = await post(engine, '/v1/chat/completions', { messages, temperature: 0, ...flags })
      const rest = (await response.json()) as Whole
      expect(text.slice(0, cut) + contentOf(rest)).toBe(text)
      expect(rest.choices[0]?.finish_reason).toBe('stop')
      const extra = rest.usage.total_tokens - whole.usage.total_tokens
      // A cut inside a token makes two of one.
      expect([0, 1]).toContain(extra)
    }
  })

  test('reports what was cached, in whole blocks and per salt', async () => {
    const long = 'The lantern beside the old bridge. '.repeat(30)
    const cached = async (salt: string | undefined) => {
      const whole = await ask(engine, long, {
        max_tokens: 1,
        ...(salt === undefined ? {} : { cache_salt: salt }),
      })
      return [whole.usage.prompt_tokens, whole.usage.prompt_tokens_details?.cached_tokens]
    }
    expect(await cached('a')).toEqual([305, 0])
    expect(await cached('a')).toEqual([305, 304])
    expect(await cached('b')).toEqual([305, 0])
    expect(await cached(undefined)).toEqual([305, 0])
    engine.clearCache()
    expect(await cached('a')).toEqual([305, 0])
  })

  test('honours stop strings, as a string and in an array', async () => {
    const text = contentOf(await ask(engine, 'Tell me about the sea.'))
    const stop = text.slice(20, 27)
    for (const value of [stop, ['never written', stop]]) {
      const whole = await ask(engine, 'Tell me about the sea.', { stop: value })
      expect(contentOf(whole)).toBe(text.slice(0, 20))
      expect(whole.choices[0]).toMatchObject({ finish_reason: 'stop', stop_reason: stop })
    }
  })

  test('samples alike for one seed, otherwise at random', async () => {
    const sample = async (seed?: number) =>
      contentOf(await ask(engine, 'Why?', { temperature: 1, ...(seed === undefined ? {} : { seed }) }))
    expect(await sample(5)).toBe(await sample(5))
    expect(new Set([await sample(), await sample(), await sample(5), await sample(6)]).size).toBe(4)
  })

  test('takes max_completion_tokens before max_tokens, and text parts for a text', async () => {
    const parts = [
      { type: 'text', text: 'Tell me ' },
      { type: 'text', text: 'about the sea.' },
    ]
    const body = {
      messages: [{ role: 'user', content: parts }],
      temperature: 0,
      max_tokens: 9,
      max_completion_tokens: 4,
    }
    const whole = (await (await post(engine, '/v1/chat/completions', body)).json()) as Whole
    expect(whole.usage.completion_tokens).toBe(4)
    expect(contentOf(whole)).toBe(contentOf(await ask(engine, 'Tell me about the sea.', { max_tokens: 4 })))
  })
})
