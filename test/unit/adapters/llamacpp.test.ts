import { describe, expect, test } from 'vitest'
import { llamacpp } from '../../../workers/adapters/llamacpp.ts'
import { CONTEXT_LENGTH, MISCONFIGURED, REJECTED, UNAVAILABLE, describeAdapter } from './contract.ts'

describeAdapter(llamacpp, {
  streams: [
    {
      fixture: 'llamacpp-chat-plain',
      outcome: 'completed',
      texts: ['"Here?"'],
      finishes: ['length'],
      isPlain: true,
      // Stated by its timings alone.
      usage: [46, 3, 0],
      counts: [3],
    },
    {
      fixture: 'llamacpp-chat-usage',
      outcome: 'completed',
      texts: ['"Here?"'],
      finishes: ['stop'],
      isPlain: true,
      usage: [46, 4, 45],
      counts: [1, 2, 3, 4],
    },
    {
      fixture: 'llamacpp-chat-keep-alive',
      outcome: 'completed',
      texts: ['Once'],
      finishes: ['stop'],
      isPlain: true,
      usage: [2048, 2, 0],
      counts: [1, 2],
    },
    {
      fixture: 'llamacpp-chat-tools',
      outcome: 'completed',
      texts: [null],
      finishes: ['tool_calls'],
      isPlain: false,
      usage: [80, 13, 0],
      counts: [7, 12, 13],
    },
    {
      fixture: 'llamacpp-chat-multibyte',
      outcome: 'completed',
      texts: ['é𝒳 мир'],
      finishes: ['stop'],
      isPlain: true,
      usage: [8, 4, 1],
      counts: [1, 3, 4],
    },
    {
      fixture: 'llamacpp-chat-n2',
      expectedChoices: 2,
      outcome: 'completed',
      texts: ['up', 'down'],
      finishes: ['length', 'length'],
      isPlain: false,
      usage: [10, 1, 9],
    },
    {
      fixture: 'llamacpp-chat-error',
      outcome: 'upstream_error',
      texts: ['Once'],
      finishes: [],
      isPlain: true,
      // Stated by its timings alone.
      usage: [46, 1, 0],
      counts: [1],
    },
    {
      fixture: 'llamacpp-chat-truncated',
      outcome: 'truncated',
      texts: ['Once upon'],
      finishes: [],
      isPlain: true,
      // Stated by its timings alone.
      usage: [46, 2, 0],
      counts: [1, 2],
    },
    {
      fixture: 'llamacpp-completions',
      surface: 'completions',
      outcome: 'completed',
      texts: [', there was'],
      finishes: ['length'],
      isPlain: true,
      usage: [5, 2, 4],
      counts: [1, 2, 2],
    },
  ],
  errors: [
    { fixture: 'llamacpp-error-400-context', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'llamacpp-error-400-value', status: 400, fault: REJECTED },
    { fixture: 'llamacpp-error-401', status: 401, fault: MISCONFIGURED },
    { fixture: 'llamacpp-error-404', status: 404, fault: MISCONFIGURED },
    { fixture: 'llamacpp-error-500-json', status: 500, fault: REJECTED },
    { fixture: 'llamacpp-error-500', status: 500, fault: UNAVAILABLE },
    { fixture: 'llamacpp-error-503-loading', status: 503, fault: UNAVAILABLE },
  ],
})

test('asks llama.cpp for running counts and sends it no salt, which it would not know', () => {
  const { body } = llamacpp.buildRequest({
    surface: 'completions',
    body: { model: 'm', prompt: 'Once', min_p: 0.1 },
    servedModel: 'served',
    cacheSalt: 'hmac',
    isContinuation: false,
  })
  expect(JSON.parse(body)).toEqual({
    model: 'served',
    prompt: 'Once',
    min_p: 0.1,
    timings_per_token: true,
    stream: true,
    stream_options: { include_usage: true },
  })
})

describe('going on from what another pool has written', () => {
  test('is what a chat and completions can do', () => {
    expect(llamacpp.continues).toEqual({ chat: true, completions: true })
  })

  test('is asked of a chat by both flags, without which it would say it all again', () => {
    const { body } = llamacpp.buildRequest({
      surface: 'chat',
      body: {
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: 'Hello th' },
        ],
        max_tokens: 17,
      },
      servedModel: 'served',
      cacheSalt: 'hmac',
      isContinuation: true,
    })
    expect(JSON.parse(body)).toEqual({
      model: 'served',
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello th' },
      ],
      max_tokens: 17,
      continue_final_message: true,
      add_generation_prompt: false,
      timings_per_token: true,
      stream: true,
      stream_options: { include_usage: true },
    })
  })
})

describe('the counts in its timings', () => {
  const read = (timings: object) => {
    const choices = [{ index: 0, delta: { content: 'a' } }]
    const event = llamacpp.readEvent('chat', JSON.stringify({ choices, timings }))
    if (event.kind !== 'frame') throw new Error(`read as ${event.kind}`)
    return { tokens: event.frame.completionTokens, usage: event.usage }
  }

  test('are the usage so far: the prompt is what was cached and what was not', () => {
    expect(read({ cache_n: 40, prompt_n: 6, predicted_n: 3 })).toEqual({
      tokens: 3,
      usage: {
        promptTokens: 46,
        completionTokens: 3,
        cachedTokens: 40,
        raw: '{"prompt_tokens":46,"completion_tokens":3,"total_tokens":49,"prompt_tokens_details":{"cached_tokens":40}}',
      },
    })
  })

  test.each([
    ['without what was cached', { prompt_n: 6, predicted_n: 3 }, 3],
    ['without the prompt', { cache_n: 0, predicted_n: 3 }, 3],
    ['without the answer', { cache_n: 0, prompt_n: 6 }, undefined],
    ['that make no sense', { cache_n: -1, prompt_n: 6, predicted_n: 3 }, 3],
  ])('are no usage %s', (_name, timings, tokens) => {
    expect(read(timings)).toEqual({ tokens, usage: undefined })
  })
})
