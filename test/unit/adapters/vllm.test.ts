import { expect, test } from 'vitest'
import { vllm } from '../../../workers/adapters/vllm.ts'
import {
  CONTEXT_LENGTH,
  MISCONFIGURED,
  REJECTED,
  SATURATED,
  UNAVAILABLE,
  describeAdapter,
} from './contract.ts'

describeAdapter(vllm, {
  streams: [
    {
      fixture: 'vllm-chat-plain',
      outcome: 'completed',
      texts: ['Hello there.'],
      finishes: ['stop'],
      isPlain: true,
    },
    {
      fixture: 'vllm-chat-usage',
      outcome: 'completed',
      texts: ['Hello there, friend.'],
      finishes: ['length'],
      isPlain: true,
      usage: [12, 5, 0],
      counts: [0, 1, 4, 5],
    },
    {
      fixture: 'vllm-chat-tools',
      outcome: 'completed',
      texts: [null],
      finishes: ['tool_calls'],
      isPlain: false,
      usage: [40, 18],
      counts: [0, 4, 9, 12, 18, 18],
    },
    {
      fixture: 'vllm-chat-reasoning',
      outcome: 'completed',
      texts: ['Four.'],
      finishes: ['stop'],
      isPlain: false,
      usage: [9, 8, 0],
    },
    {
      fixture: 'vllm-chat-logprobs',
      outcome: 'completed',
      texts: ['Yes!'],
      finishes: ['stop'],
      isPlain: false,
      usage: [7, 2],
    },
    // No running counts: with several choices vLLM's are of one choice only.
    {
      fixture: 'vllm-chat-n2',
      expectedChoices: 2,
      outcome: 'completed',
      texts: ['AB', 'CD'],
      finishes: ['length', 'stop'],
      isPlain: false,
      usage: [6, 4],
    },
    {
      fixture: 'vllm-chat-n2-one-finished',
      expectedChoices: 2,
      outcome: 'truncated',
      texts: ['A', 'C'],
      finishes: ['stop'],
      isPlain: false,
    },
    {
      fixture: 'vllm-chat-multibyte',
      outcome: 'completed',
      texts: ['Grüße 世界 👩‍🚀\u2028"\\\n'],
      finishes: ['stop'],
      isPlain: false,
      usage: [5, 10],
      counts: [0, 3, 5, 9, 10],
    },
    {
      fixture: 'vllm-chat-error',
      outcome: 'upstream_error',
      texts: ['Hello'],
      finishes: [],
      isPlain: true,
      usage: [12, 1],
      counts: [0, 1],
    },
    {
      fixture: 'vllm-chat-finish-error',
      outcome: 'upstream_error',
      texts: ['Hello'],
      finishes: [],
      isPlain: true,
    },
    {
      fixture: 'vllm-chat-done-without-finish',
      outcome: 'truncated',
      texts: ['Hello'],
      finishes: [],
      isPlain: true,
    },
    {
      fixture: 'vllm-chat-truncated',
      outcome: 'truncated',
      texts: ['Hello'],
      finishes: [],
      isPlain: true,
      usage: [12, 1],
      counts: [0, 1],
    },
    {
      fixture: 'vllm-completions',
      surface: 'completions',
      outcome: 'completed',
      texts: [', there was a'],
      finishes: ['length'],
      isPlain: true,
      usage: [3, 3, 2],
      counts: [1, 2, 3],
    },
  ],
  errors: [
    { fixture: 'vllm-error-400-context', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'vllm-error-400-value', status: 400, fault: REJECTED },
    { fixture: 'vllm-error-401', status: 401, fault: MISCONFIGURED },
    { fixture: 'vllm-error-404-model', status: 404, fault: MISCONFIGURED },
    { fixture: 'vllm-error-500', status: 500, fault: UNAVAILABLE },
    { fixture: 'vllm-error-503-queue', status: 503, fault: SATURATED },
  ],
})

test('asks vLLM for running counts and salts its prefix cache with our own value', () => {
  const { body } = vllm.buildRequest({
    surface: 'chat',
    body: { model: 'm', messages: [], top_k: 5 },
    servedModel: 'served',
    cacheSalt: 'hmac',
    isContinuation: false,
  })
  expect(JSON.parse(body)).toEqual({
    model: 'served',
    messages: [],
    top_k: 5,
    cache_salt: 'hmac',
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  })
})

test('goes on from what another pool has written: a chat by both flags, of which one alone is refused', () => {
  expect(vllm.continues).toEqual({ chat: true, completions: true })
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Hello th' },
  ]
  const { body } = vllm.buildRequest({
    surface: 'chat',
    body: { messages, max_tokens: 17, top_k: 5 },
    servedModel: 'served',
    cacheSalt: 'hmac',
    isContinuation: true,
  })
  expect(JSON.parse(body)).toEqual({
    model: 'served',
    messages,
    max_tokens: 17,
    top_k: 5,
    continue_final_message: true,
    add_generation_prompt: false,
    cache_salt: 'hmac',
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  })
})
