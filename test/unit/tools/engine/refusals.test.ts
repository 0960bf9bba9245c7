import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { post } from './client.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({ model: 'sim', servedModelNames: ['sim-8b', 'alias'], maxModelLen: 2_000 })
})
beforeEach(() => engine.clearCache())
afterAll(() => engine.close())

const MESSAGES = [{ role: 'user', content: 'Tell me about the sea.' }]
const GREEDY = { messages: MESSAGES, temperature: 0 }

describe('a wrong request', () => {
  const MANY = 'word '.repeat(2_000)
  test.each([
    ['JSON that is none', '{"messages": [', 400, /not valid JSON/],
    ['a body that is no object', [], 400, /JSON object/],
    ['no messages', { messages: [] }, 400, /messages/],
    ['a role that is none', { messages: [{ role: 'wizard', content: '' }] }, 400, /messages\[0\]/],
    ['an image', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 400, /messages\[0\]/],
    ['another model', { ...GREEDY, model: 'gpt' }, 404, /^The model `gpt` does not exist\.$/],
    ['several choices', { ...GREEDY, n: 2 }, 400, /does not do n /],
    ['log probabilities', { ...GREEDY, logprobs: true }, 400, /does not do logprobs/],
    ['a grammar', { ...GREEDY, response_format: { type: 'json_object' } }, 400, /response_format/],
    ['no room for tokens', { ...GREEDY, max_tokens: 0 }, 400, /max_tokens/],
    ['a temperature below zero', { ...GREEDY, temperature: -1 }, 400, /temperature/],
    ['an empty stop', { ...GREEDY, stop: '' }, 400, /stop/],
    [
      'an empty salt',
      { ...GREEDY, cache_salt: '' },
      400,
      /cache_salt must be a non-empty string if provided/,
    ],
    ['stream options without a stream', { ...GREEDY, stream_options: {} }, 400, /only be defined when/],
    ['one flag of the pair', { ...GREEDY, continue_final_message: true }, 400, /Cannot set both/],
    [
      'too much output',
      { ...GREEDY, max_tokens: 1_995 },
      400,
      "This model's maximum context length is 2000 tokens. However, you requested 1995 output tokens and your " +
        'prompt contains 10 input tokens, for a total of 2005 tokens. Please reduce the length of the input prompt ' +
        'or the number of requested output tokens. (parameter=input_tokens, value=10)',
    ],
    [
      'too long a prompt',
      { messages: [{ role: 'user', content: MANY }] },
      400,
      /prompt contains 200\d input tokens/,
    ],
  ])('with %s is refused in vLLM’s shape', async (_, body, status, message) => {
    const before = engine.stats()
    const response = await post(engine, '/v1/chat/completions', body)
    expect(response.status).toBe(status)
    const { error } = (await response.json()) as { error: { message: string; type: string; code: number } }
    expect(error.message).toMatch(message)
    expect(error).toMatchObject({ code: status, type: status === 404 ? 'NotFoundError' : 'BadRequestError' })
    expect(engine.stats()).toEqual({ ...before, requests: before.requests + 1 })
  })

  test.each([
    ['prompts', { prompt: ['a', 'b'] }],
    ['nothing', {}],
    ['an empty text', { prompt: '' }],
    ['ids outside the vocabulary', { prompt: [9] }],
    ['an echo', { prompt: 'a', echo: true }],
  ])('for a completion with %s is refused', async (_, body) => {
    expect((await post(engine, '/v1/completions', body)).status).toBe(400)
  })

  test('to a path that is none is 404', async () => {
    expect((await post(engine, '/v1/embeddings', {})).status).toBe(404)
    expect((await fetch(`${engine.url}/v1/chat/completions`)).status).toBe(404)
  })
})
