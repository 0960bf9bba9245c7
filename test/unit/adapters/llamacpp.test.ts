import { expect, test } from 'vitest'
import { llamacpp } from '../../../workers/adapters/llamacpp.ts'
import { CONTEXT_LENGTH, MISCONFIGURED, REJECTED, UNAVAILABLE, describeAdapter } from './contract.ts'

describeAdapter(llamacpp, {
  streams: [
    {
      fixture: 'llamacpp-chat-plain',
      outcome: 'completed',
      texts: ['"Here?"'],
      finishes: ['length'],
      counts: [3],
    },
    {
      fixture: 'llamacpp-chat-usage',
      outcome: 'completed',
      texts: ['"Here?"'],
      finishes: ['stop'],
      usage: [46, 4, 45],
      counts: [1, 2, 3, 4],
    },
    {
      fixture: 'llamacpp-chat-keep-alive',
      outcome: 'completed',
      texts: ['Once'],
      finishes: ['stop'],
      usage: [2048, 2, 0],
      counts: [1, 2],
    },
    {
      fixture: 'llamacpp-chat-tools',
      outcome: 'completed',
      texts: [null],
      finishes: ['tool_calls'],
      usage: [80, 13, 0],
      counts: [7, 12, 13],
    },
    {
      fixture: 'llamacpp-chat-multibyte',
      outcome: 'completed',
      texts: ['é𝒳 мир'],
      finishes: ['stop'],
      usage: [8, 4, 1],
      counts: [1, 3, 4],
    },
    {
      fixture: 'llamacpp-chat-n2',
      expectedChoices: 2,
      outcome: 'completed',
      texts: ['up', 'down'],
      finishes: ['length', 'length'],
      usage: [10, 1, 9],
    },
    {
      fixture: 'llamacpp-chat-error',
      outcome: 'upstream_error',
      texts: ['Once'],
      finishes: [],
      counts: [1],
    },
    {
      fixture: 'llamacpp-chat-truncated',
      outcome: 'truncated',
      texts: ['Once upon'],
      finishes: [],
      counts: [1, 2],
    },
    {
      fixture: 'llamacpp-completions',
      surface: 'completions',
      outcome: 'completed',
      texts: [', there was'],
      finishes: ['length'],
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
