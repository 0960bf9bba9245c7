import { expect, test } from 'vitest'
import { openai } from '../../../workers/adapters/openai.ts'
import { CONTEXT_LENGTH, MISCONFIGURED, SATURATED, describeAdapter } from './contract.ts'

describeAdapter(openai, {
  streams: [
    {
      fixture: 'openai-chat-plain',
      outcome: 'completed',
      texts: ['Hi you'],
      finishes: ['stop'],
      isPlain: true,
    },
    {
      fixture: 'openai-chat-usage',
      outcome: 'completed',
      texts: ['Hi you'],
      finishes: ['stop'],
      isPlain: true,
      usage: [1200, 3, 1024],
    },
    {
      fixture: 'openai-chat-usage-on-finish',
      outcome: 'completed',
      texts: ['Hi'],
      finishes: ['stop'],
      isPlain: true,
      usage: [4, 1],
    },
    {
      fixture: 'openai-chat-tools',
      outcome: 'completed',
      texts: [null],
      finishes: ['tool_calls'],
      isPlain: false,
      usage: [1200, 3, 1024],
    },
    {
      fixture: 'openai-chat-tools-null-index',
      outcome: 'completed',
      texts: [null],
      finishes: ['tool_calls'],
      isPlain: false,
    },
    {
      fixture: 'openai-chat-function-call',
      outcome: 'completed',
      texts: [null],
      finishes: ['function_call'],
      isPlain: false,
    },
    {
      fixture: 'openai-chat-refusal',
      outcome: 'completed',
      texts: [null],
      finishes: ['stop'],
      isPlain: false,
    },
    {
      fixture: 'openai-chat-reasoning',
      outcome: 'completed',
      texts: ['42'],
      finishes: ['stop'],
      isPlain: false,
      usage: [4, 5],
    },
    {
      fixture: 'openai-chat-sglang-abort',
      outcome: 'upstream_error',
      texts: ['Hi'],
      finishes: [],
      isPlain: true,
    },
    { fixture: 'openai-chat-error', outcome: 'upstream_error', texts: ['Hi'], finishes: [], isPlain: true },
    {
      fixture: 'openai-chat-event-error',
      outcome: 'upstream_error',
      texts: ['Hi'],
      finishes: [],
      isPlain: true,
    },
    {
      fixture: 'openai-chat-flat-error',
      outcome: 'upstream_error',
      texts: ['Hi'],
      finishes: [],
      isPlain: true,
    },
    {
      fixture: 'openai-chat-not-json',
      outcome: 'upstream_error',
      texts: ['Hi'],
      finishes: [],
      isPlain: true,
    },
    {
      fixture: 'openai-chat-truncated',
      outcome: 'truncated',
      texts: ['Hi you'],
      finishes: [],
      isPlain: true,
    },
    {
      fixture: 'openai-chat-closed-without-done',
      outcome: 'completed',
      texts: ['Hi'],
      finishes: ['stop'],
      isPlain: true,
    },
    {
      fixture: 'openai-chat-multiline',
      outcome: 'completed',
      texts: ['A\nB'],
      finishes: ['stop'],
      isPlain: true,
    },
    {
      fixture: 'openai-completions',
      surface: 'completions',
      outcome: 'completed',
      texts: ['one two'],
      finishes: ['length'],
      isPlain: false,
      usage: [2, 2],
    },
  ],
  errors: [
    { fixture: 'openai-error-400-context', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'openai-error-400-sglang-context', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'openai-error-422-tgi-context', status: 422, fault: CONTEXT_LENGTH },
    { fixture: 'openai-error-401', status: 401, fault: MISCONFIGURED },
    { fixture: 'openai-error-429-rate', status: 429, fault: SATURATED },
    { fixture: 'openai-error-429-quota', status: 429, fault: MISCONFIGURED },
    { fixture: 'openai-error-429-tgi', status: 429, fault: SATURATED },
    { fixture: 'openai-error-503-sglang-queue', status: 503, fault: SATURATED },
    { fixture: 'openai-error-503-ollama', status: 503, fault: SATURATED },
  ],
})

test('sends a server it knows nothing of nothing but the request, a stream and usage', () => {
  const { body } = openai.buildRequest({
    surface: 'chat',
    body: { model: 'm', messages: [], max_completion_tokens: 9 },
    servedModel: 'served',
    cacheSalt: 'hmac',
    isContinuation: false,
  })
  expect(JSON.parse(body)).toEqual({
    model: 'served',
    messages: [],
    max_completion_tokens: 9,
    stream: true,
    stream_options: { include_usage: true },
  })
})

test('goes on from what another pool has written where that is a prompt like any other', () => {
  expect(openai.continues).toEqual({ chat: false, completions: true })
  const { body } = openai.buildRequest({
    surface: 'completions',
    body: { prompt: 'Once upon a', max_tokens: 17 },
    servedModel: 'served',
    cacheSalt: 'hmac',
    isContinuation: true,
  })
  expect(JSON.parse(body)).toEqual({
    model: 'served',
    prompt: 'Once upon a',
    max_tokens: 17,
    stream: true,
    stream_options: { include_usage: true },
  })
})
