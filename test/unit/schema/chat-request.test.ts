import { describe, expect, test } from 'vitest'
import { CHAT_FIELDS } from '../../../shared/schema/fields.ts'
import { parseRequest } from '../../../shared/schema/request.ts'
import { bodyOf, chat, errorOf, hello, invalid, limits, parse } from './parse-body.ts'

describe('a chat request', () => {
  test('keeps what may reach a pool and sets apart what is ours', () => {
    const result = chat({
      temperature: 0,
      max_completion_tokens: 50,
      stream: true,
      stream_options: { include_usage: true, include_obfuscation: false },
      user: 'u-1',
      metadata: { team: 'a' },
      store: true,
      service_tier: 'auto',
      prompt_cache_key: 'k',
      prompt_cache_retention: '24h',
      safety_identifier: 's',
    })
    expect(result).toEqual({
      ok: true,
      value: {
        surface: 'chat',
        model: 'm',
        stream: true,
        includeUsage: true,
        tokenLimit: 50,
        body: { messages: [hello], temperature: 0, max_completion_tokens: 50 },
        hints: { user: 'u-1', promptCacheKey: 'k' },
      },
    })
  })

  test('takes null for absent, whatever the field', () => {
    const result = chat({
      temperature: null,
      tools: null,
      stream: null,
      user: null,
      functions: null,
      x: null,
    })
    expect(result).toEqual({
      ok: true,
      value: {
        surface: 'chat',
        model: 'm',
        stream: false,
        includeUsage: false,
        body: { messages: [hello] },
        hints: {},
      },
    })
  })

  test('takes every field that it lists', () => {
    const full = {
      temperature: 1,
      top_p: 0.5,
      n: 3,
      stop: ['a', 'b'],
      max_tokens: 10,
      max_completion_tokens: 10,
      presence_penalty: -2,
      frequency_penalty: 2,
      logit_bias: { '15': -100 },
      seed: -1,
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', x: [null] } } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: {}, strict: true } },
      logprobs: true,
      top_logprobs: 20,
      reasoning_effort: 'low',
    }
    expect(bodyOf(chat(full))).toEqual({ messages: [hello], ...full })
    expect(new Set([...Object.keys(full), 'model', 'messages'])).toEqual(CHAT_FIELDS)
  })

  test('passes on a field that the model’s pools or operator add, and never a denied one', () => {
    expect(bodyOf(parse('chat', { model: 'm', messages: [hello], top_k: { any: [1] } }, ['top_k']))).toEqual({
      messages: [hello],
      top_k: { any: [1] },
    })
    expect(
      errorOf(parse('chat', { model: 'm', messages: [hello], cache_salt: 's' }, ['cache_salt'])),
    ).toEqual({
      reason: 'unsupported_parameter',
      param: 'cache_salt',
    })
  })

  test('refuses an OpenAI field that none of the model’s pools takes', () => {
    const options = { limits, accepts: (field: string) => field !== 'logit_bias' }
    const value = { model: 'm', messages: [hello], logit_bias: {} }
    expect(errorOf(parseRequest('chat', value, options))).toEqual({
      reason: 'unsupported_parameter',
      param: 'logit_bias',
    })
  })
})

describe('bad values', () => {
  test.each([
    [{ temperature: 2.1 }, invalid('temperature', 'a number from 0 to 2')],
    [{ temperature: '1' }, invalid('temperature', 'a number from 0 to 2')],
    [{ temperature: JSON.parse('1e999') }, invalid('temperature', 'a number from 0 to 2')],
    [{ top_p: -0.1 }, invalid('top_p', 'a number from 0 to 1')],
    [{ n: 0 }, invalid('n', 'a positive integer')],
    [{ n: 4 }, invalid('n', 'an integer from 1 to 3')],
    [{ max_tokens: 1e12 }, invalid('max_tokens', 'an integer from 1 to 1000')],
    [{ max_tokens: 1e300 }, invalid('max_tokens', 'a positive integer')],
    [{ max_tokens: 0 }, invalid('max_tokens', 'a positive integer')],
    [{ max_completion_tokens: 1001 }, invalid('max_completion_tokens', 'an integer from 1 to 1000')],
    [
      { max_tokens: 5, max_completion_tokens: 6 },
      invalid('max_tokens', 'left out, or equal to max_completion_tokens'),
    ],
    [{ stop: '' }, invalid('stop', 'a string of 1 to 256 characters')],
    [{ stop: ['a', ''] }, invalid('stop[1]', 'a string of 1 to 256 characters')],
    [{ stop: Array(17).fill('a') }, invalid('stop', 'a string, or an array of at most 16 strings')],
    [{ stop: 1 }, invalid('stop', 'a string, or an array of at most 16 strings')],
    [{ seed: 2 ** 53 }, invalid('seed', 'an integer that a double holds exactly')],
    [{ seed: 1.5 }, invalid('seed', 'an integer that a double holds exactly')],
    [{ top_logprobs: 21 }, invalid('top_logprobs', 'an integer from 0 to 20')],
    [{ stream: 'yes' }, invalid('stream', 'true or false')],
    [{ stream_options: { x: 1 } }, { reason: 'unsupported_parameter', where: 'stream_options', position: 1 }],
    [{ tools: [{}] }, { reason: 'missing_parameter', param: 'tools[0].type' }],
    [
      { tools: [{ type: 'function', function: { name: 'a b' } }] },
      invalid('tools[0].function.name', 'a name of 1 to 128 letters, digits and . _ -'),
    ],
    [
      { tools: [{ type: 'function', function: { name: 'f', parameters: { x: 'x'.repeat(70_000) } } }] },
      invalid('tools[0].function.parameters', 'a JSON object of at most 65536 characters'),
    ],
    [
      { tool_choice: 'any' },
      invalid('tool_choice', '"none", "auto", "required" or an object that names a function'),
    ],
    [
      { response_format: { type: 'xml' } },
      invalid('response_format.type', 'one of "text", "json_object", "json_schema"'),
    ],
    [
      { reasoning_effort: 'very high' },
      invalid('reasoning_effort', 'a word such as "low", "medium" or "high"'),
    ],
    [{ functions: [] }, { reason: 'unsupported_parameter', param: 'functions' }],
    [{ kv_transfer_params: {} }, { reason: 'unsupported_parameter', param: 'kv_transfer_params' }],
    [{ foo: 1 }, { reason: 'unsupported_parameter', position: 3 }],
  ])('of a field: %j', (fields, error) => {
    expect(errorOf(chat(fields))).toEqual(error)
  })

  test.each([
    { logit_bias: { x: 1 } },
    { logit_bias: { '1': 101 } },
    { logit_bias: { '1': '1' } },
    { logit_bias: [] },
    { logit_bias: Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [String(id), 0])) },
    { metadata: { a: 1 } },
    { metadata: { a: { b: 'c' } } },
    { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, id) => [`k${id}`, 'v'])) },
  ])('inside an object of the client’s own names are told without the name', (fields) => {
    const param = Object.keys(fields)[0]
    expect(errorOf(chat(fields))).toMatchObject({ reason: 'invalid_parameter', param })
  })
})
