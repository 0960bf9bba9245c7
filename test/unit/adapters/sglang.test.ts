import { expect, test } from 'vitest'
import { sglang } from '../../../workers/adapters/sglang.ts'
import {
  CONTEXT_LENGTH,
  MISCONFIGURED,
  REJECTED,
  SATURATED,
  UNAVAILABLE,
  describeAdapter,
} from './contract.ts'

describeAdapter(sglang, {
  requests: { continuation: { continue_final_message: true } },
  streams: [
    {
      fixture: 'sglang-chat-usage',
      outcome: 'completed',
      texts: ['Hello there.'],
      finishes: ['stop'],
      isPlain: true,
      usage: [2048, 4, 1984],
      counts: [0, 1, 3, 4],
    },
    // Left out where it is 0, too: unknown, not zero.
    {
      fixture: 'sglang-chat-uncached',
      outcome: 'completed',
      texts: ['Hi'],
      finishes: ['length'],
      isPlain: true,
      usage: [12, 1],
      counts: [0, 1, 1],
    },
    {
      fixture: 'sglang-chat-reasoning',
      outcome: 'completed',
      texts: ['Four.'],
      finishes: ['stop'],
      isPlain: false,
      usage: [9, 7],
      counts: [0, 3, 6, 7],
    },
    {
      fixture: 'sglang-chat-tools',
      outcome: 'completed',
      texts: [null],
      finishes: ['tool_calls'],
      isPlain: false,
      calls: [['get_weather', '{"city": "Oslo"}']],
      usage: [60, 16, 48],
      counts: [0, 8, 12, 15, 16],
    },
    {
      fixture: 'sglang-chat-n2',
      expectedChoices: 2,
      outcome: 'completed',
      texts: ['A', 'C'],
      finishes: ['length', 'stop'],
      isPlain: false,
      usage: [6, 2],
    },
    {
      fixture: 'sglang-chat-abort',
      outcome: 'upstream_error',
      texts: ['Hello'],
      finishes: [],
      isPlain: true,
    },
    {
      fixture: 'sglang-chat-queue-full',
      outcome: 'upstream_error',
      texts: [],
      finishes: [],
      isPlain: true,
      fault: SATURATED,
    },
    {
      fixture: 'sglang-chat-context',
      outcome: 'upstream_error',
      texts: [],
      finishes: [],
      isPlain: true,
      fault: CONTEXT_LENGTH,
    },
    {
      fixture: 'sglang-chat-died',
      outcome: 'upstream_error',
      texts: ['Hello'],
      finishes: [],
      isPlain: true,
      usage: [12, 1],
      counts: [0, 1],
      fault: UNAVAILABLE,
    },
    {
      fixture: 'sglang-completions',
      surface: 'completions',
      outcome: 'completed',
      texts: [', there was a'],
      finishes: ['length'],
      isPlain: true,
      usage: [3, 3, 2],
      counts: [1, 3, 3],
    },
  ],
  errors: [
    { fixture: 'sglang-error-400-context', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'sglang-error-400-total', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'sglang-error-400-value', status: 400, fault: REJECTED },
    { fixture: 'sglang-error-401', status: 401, fault: MISCONFIGURED },
    { fixture: 'sglang-error-503-queue', status: 503, fault: SATURATED },
  ],
})

test('asks SGLang for running counts, salts its cache, and has a chat go on by the one flag it knows', () => {
  const { body } = sglang.buildRequest({
    surface: 'chat',
    body: { model: 'm', messages: [], top_k: 5 },
    servedModel: 'served',
    cacheSalt: 'hmac',
    isContinuation: true,
  })
  expect(JSON.parse(body)).toEqual({
    model: 'served',
    messages: [],
    top_k: 5,
    cache_salt: 'hmac',
    continue_final_message: true,
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  })
})

test('takes no field that it would pass over in silence', () => {
  expect(sglang.fields.completions.has('suffix')).toBe(false)
})
