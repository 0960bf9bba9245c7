import { describe, expect, test } from 'vitest'
import { anthropic } from '../../../workers/adapters/anthropic.ts'
import {
  CONTEXT_LENGTH,
  MISCONFIGURED,
  REJECTED,
  SATURATED,
  UNAVAILABLE,
  describeAdapter,
} from './contract.ts'

describeAdapter(anthropic, {
  requests: {
    paths: { chat: 'messages' },
    continuation: null,
    sent: {
      model: 'served/name',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      max_tokens: 4096,
      temperature: 0.5,
      stop_sequences: ['x'],
      stream: true,
    },
  },
  streams: [
    {
      fixture: 'anthropic-chat-text',
      outcome: 'completed',
      texts: ['Hello there.'],
      finishes: ['stop'],
      isPlain: true,
      usage: [25, 6, 0],
    },
    // The prompt is all of it: what was read from the cache, what was written to it, and the rest.
    {
      fixture: 'anthropic-chat-cached',
      outcome: 'completed',
      texts: ['Hi'],
      finishes: ['stop'],
      isPlain: true,
      usage: [2000, 3, 1900],
    },
    {
      fixture: 'anthropic-chat-max-tokens',
      outcome: 'completed',
      texts: ['Hello'],
      finishes: ['length'],
      isPlain: true,
      usage: [25, 1, 0],
    },
    {
      fixture: 'anthropic-chat-stop-sequence',
      outcome: 'completed',
      texts: ['One'],
      finishes: ['stop'],
      isPlain: true,
      usage: [25, 2, 0],
    },
    {
      fixture: 'anthropic-chat-refusal',
      outcome: 'completed',
      texts: [''],
      finishes: ['content_filter'],
      isPlain: true,
      usage: [25, 2, 0],
    },
    {
      fixture: 'anthropic-chat-tools',
      outcome: 'completed',
      texts: ['I will look.'],
      finishes: ['tool_calls'],
      isPlain: false,
      calls: [
        ['get_weather', '{"city": "Oslo"}'],
        ['get_time', '{}'],
      ],
      usage: [472, 89, 0],
    },
    {
      fixture: 'anthropic-chat-tools-whole',
      outcome: 'completed',
      texts: [null],
      finishes: ['tool_calls'],
      isPlain: false,
      calls: [['get_weather', '{"city":"Oslo"}']],
      usage: [80, 12],
    },
    {
      fixture: 'anthropic-chat-thinking',
      outcome: 'completed',
      texts: ['Four.'],
      finishes: ['stop'],
      isPlain: false,
      usage: [25, 20, 0],
    },
    {
      fixture: 'anthropic-chat-multibyte',
      outcome: 'completed',
      texts: ['Grüße 世界 👩‍🚀\u2028"\\\n'],
      finishes: ['stop'],
      isPlain: true,
      usage: [25, 10, 0],
    },
    {
      fixture: 'anthropic-chat-overloaded',
      outcome: 'upstream_error',
      texts: [],
      finishes: [],
      isPlain: true,
      fault: SATURATED,
    },
    {
      fixture: 'anthropic-chat-context',
      outcome: 'upstream_error',
      texts: [],
      finishes: [],
      isPlain: true,
      fault: CONTEXT_LENGTH,
    },
    {
      fixture: 'anthropic-chat-error',
      outcome: 'upstream_error',
      texts: ['Hello'],
      finishes: [],
      isPlain: true,
      usage: [25, 1, 0],
      fault: UNAVAILABLE,
    },
    {
      fixture: 'anthropic-chat-truncated',
      outcome: 'truncated',
      texts: ['Hello th'],
      finishes: [],
      isPlain: true,
      usage: [25, 1, 0],
    },
    {
      fixture: 'anthropic-chat-llamacpp',
      outcome: 'completed',
      texts: ['"Here?"'],
      finishes: ['length'],
      isPlain: true,
      usage: [46, 3, 45],
    },
  ],
  errors: [
    { fixture: 'anthropic-error-400-context', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'anthropic-error-400-limit', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'anthropic-error-400-value', status: 400, fault: REJECTED },
    { fixture: 'anthropic-error-400-prefill', status: 400, fault: REJECTED },
    { fixture: 'anthropic-error-400-credit', status: 400, fault: MISCONFIGURED },
    { fixture: 'anthropic-error-401', status: 401, fault: MISCONFIGURED },
    { fixture: 'anthropic-error-402', status: 402, fault: MISCONFIGURED },
    { fixture: 'anthropic-error-404-model', status: 404, fault: MISCONFIGURED },
    { fixture: 'anthropic-error-413', status: 413, fault: REJECTED },
    { fixture: 'anthropic-error-429', status: 429, fault: SATURATED },
    { fixture: 'anthropic-error-500', status: 500, fault: UNAVAILABLE },
    { fixture: 'anthropic-error-529', status: 529, fault: SATURATED },
  ],
})

describe('a request', () => {
  const sent = (body: Readonly<Record<string, unknown>>, limit?: number) =>
    JSON.parse(
      anthropic.buildRequest({
        surface: 'chat',
        body: { messages: [{ role: 'user', content: 'Hi' }], ...body },
        servedModel: 'claude-x',
        cacheSalt: 'hmac',
        isContinuation: false,
        ...(limit === undefined ? {} : { pool: { default_max_tokens: limit } }),
      }).body,
    )

  test('without more than a message is all that the API demands', () => {
    expect(sent({})).toEqual({
      model: 'claude-x',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      max_tokens: 4096,
      stream: true,
    })
  })

  test.each([
    ['the client’s, by the older name', { max_tokens: 7 }, 1000, 7],
    ['the client’s, by the newer name', { max_completion_tokens: 8 }, 1000, 8],
    ['the pool’s, where the client gives none', {}, 1000, 1000],
    ['ours, where nobody gives one', {}, undefined, 4096],
  ])('has a limit: %s', (_name, body, limit, expected) => {
    expect(sent(body, limit)).toMatchObject({ max_tokens: expected })
    expect(sent(body, limit)).not.toHaveProperty('max_completion_tokens')
  })

  test('has sampling fields by their names, and what the operator has opened as it is', () => {
    const fields = { temperature: 1, top_p: 0.9, top_k: 40, thinking: { type: 'adaptive' } }
    expect(sent(fields)).toMatchObject(fields)
  })

  test.each([
    ['one stop sequence', 'END', { stop_sequences: ['END'] }],
    ['several', ['a', 'b'], { stop_sequences: ['a', 'b'] }],
    ['none', [], {}],
  ])('names %s as that API does', (_name, stop, expected) => {
    const { stop: left, stop_sequences: sequences } = sent({ stop })
    expect(left).toBeUndefined()
    expect(sequences === undefined ? {} : { stop_sequences: sequences }).toEqual(expected)
  })

  const parameters = { type: 'object', properties: { city: { type: 'string' } } }
  const tools = [
    { type: 'function', function: { name: 'get_weather', description: 'Now', parameters, strict: true } },
    { type: 'function', function: { name: 'get_time' } },
  ]

  test('defines tools by the schema of their input', () => {
    expect(sent({ tools }).tools).toEqual([
      { name: 'get_weather', description: 'Now', input_schema: parameters, strict: true },
      { name: 'get_time', input_schema: { type: 'object', properties: {} } },
    ])
  })

  test.each([
    ['any or none', { tool_choice: 'auto' }, { type: 'auto' }],
    ['none', { tool_choice: 'none', parallel_tool_calls: false }, { type: 'none' }],
    ['at least one', { tool_choice: 'required' }, { type: 'any' }],
    [
      'this one',
      { tool_choice: { type: 'function', function: { name: 'get_time' } } },
      { type: 'tool', name: 'get_time' },
    ],
    ['one at most', { parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }],
    [
      'exactly one',
      { tool_choice: 'required', parallel_tool_calls: false },
      { type: 'any', disable_parallel_tool_use: true },
    ],
    ['as many as it likes', { parallel_tool_calls: true }, undefined],
  ])('lets the model choose %s', (_name, fields, expected) => {
    expect(sent({ tools, ...fields }).tool_choice).toEqual(expected)
    // Without tools a choice would be refused.
    expect(sent(fields)).not.toHaveProperty('tool_choice')
    expect(sent(fields)).not.toHaveProperty('parallel_tool_calls')
  })
})
