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

const named = (name: string) => ({ type: 'function', function: { name } })
const TOOLS = { ...GREEDY, tools: [named('look')] }
const schemaOf = (schema: object) => ({
  ...GREEDY,
  response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
})

describe('a wrong request', () => {
  const MANY = 'word '.repeat(2_000)
  test.each([
    ['JSON that is none', '{"messages": [', 400, /not valid JSON/],
    ['a body that is no object', [], 400, /JSON object/],
    ['no messages', { messages: [] }, 400, /messages/],
    ['a role that is none', { messages: [{ role: 'wizard', content: '' }] }, 400, /messages\[0\]/],
    ['an image', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 400, /messages\[0\]/],
    ['another model', { ...GREEDY, model: 'gpt' }, 404, /^The model `gpt` does not exist\.$/],
    ['no choices', { ...GREEDY, n: 0 }, 400, /^n must be a whole number from 1 to 8\.$/],
    ['more choices than it writes', { ...GREEDY, n: 9 }, 400, /^n must be/],
    ['log probabilities as a number', { ...GREEDY, logprobs: 5 }, 400, /^logprobs must be true or false/],
    ['too many likely tokens', { ...GREEDY, logprobs: true, top_logprobs: 21 }, 400, /from 0 to 20/],
    ['likely tokens without the flag', { ...GREEDY, top_logprobs: 2 }, 400, /`logprobs` must be set to true/],
    ['a grammar of vLLM’s own', { ...GREEDY, structured_outputs: {} }, 400, /does not do structured_outputs/],
    ['a format that is none', { ...GREEDY, response_format: { type: 'xml' } }, 400, /response_format/],
    ['a format that is a word', { ...GREEDY, response_format: 'json_object' }, 400, /response_format/],
    ['no schema', { ...GREEDY, response_format: { type: 'json_schema' } }, 400, /with a schema/],
    ['a schema that is not simulated', schemaOf({ type: 'string', pattern: '^a' }), 400, /uses pattern/],
    ['a schema that nothing fits', schemaOf({ enum: [] }), 400, /no finite value fits/],
    ['a choice of no tools', { ...GREEDY, tool_choice: 'required' }, 400, /`tools` must be set/],
    ['a tool that is not offered', { ...TOOLS, tool_choice: named('other') }, 400, /does not match any/],
    ['a choice that is none', { ...TOOLS, tool_choice: 'always' }, 400, /^tool_choice must be/],
    ['a nameless tool', { ...GREEDY, tools: [{}], tool_choice: 'required' }, 400, /Each tool must/],
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
    ['log probabilities as a flag', { prompt: 'a', logprobs: true }],
    ['too many likely tokens', { prompt: 'a', logprobs: 21 }],
    ['too many choices', { prompt: 'a', n: 9 }],
  ])('for a completion with %s is refused', async (_, body) => {
    expect((await post(engine, '/v1/completions', body)).status).toBe(400)
  })

  test('to a path that is none is 404', async () => {
    expect((await post(engine, '/v1/rerank', {})).status).toBe(404)
    expect((await fetch(`${engine.url}/v1/chat/completions`)).status).toBe(404)
  })
})
