import { describe, expect, test } from 'vitest'
import { trtllm } from '../../../workers/adapters/trtllm.ts'
import { CONTEXT_LENGTH, REJECTED, UNAVAILABLE, describeAdapter } from './contract.ts'

describeAdapter(trtllm, {
  requests: { salted: ['chat'], continuation: null },
  streams: [
    // Measurements of each choice are taken out: what is left is text that another pool could go on from.
    {
      fixture: 'trtllm-chat-usage',
      outcome: 'completed',
      texts: ['Hello there.'],
      finishes: ['stop'],
      isPlain: true,
      usage: [640, 3, 512],
      counts: [0, 1, 3, 3],
    },
    {
      fixture: 'trtllm-chat-tools',
      outcome: 'completed',
      texts: [null],
      finishes: ['tool_calls'],
      isPlain: false,
      calls: [['get_weather', '{"city": "Oslo"}']],
      usage: [90, 16, 0],
      counts: [0, 9, 15, 16],
    },
    {
      fixture: 'trtllm-chat-died',
      outcome: 'upstream_error',
      texts: ['Hello'],
      finishes: [],
      isPlain: true,
      fault: UNAVAILABLE,
    },
    {
      fixture: 'trtllm-chat-context',
      outcome: 'upstream_error',
      texts: [],
      finishes: [],
      isPlain: true,
      fault: CONTEXT_LENGTH,
    },
    {
      fixture: 'trtllm-completions',
      surface: 'completions',
      outcome: 'completed',
      texts: [', there was'],
      finishes: ['length'],
      isPlain: true,
      usage: [3, 2, 0],
      counts: [1, 2, 2],
    },
  ],
  errors: [
    { fixture: 'trtllm-error-400-context', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'trtllm-error-400-no-room', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'trtllm-error-400-extra', status: 400, fault: REJECTED },
    { fixture: 'trtllm-error-500', status: 500, fault: UNAVAILABLE },
    { fixture: 'trtllm-error-503', status: 503, fault: UNAVAILABLE },
  ],
})

describe('what TensorRT-LLM is sent, which refuses what it does not know', () => {
  const sent = (surface: 'chat' | 'completions', body: Readonly<Record<string, unknown>>) =>
    JSON.parse(
      trtllm.buildRequest({
        surface,
        body,
        servedModel: 'served',
        cacheSalt: 'hmac',
        isContinuation: false,
      }).body,
    )

  test('is a chat with our salt, and completions without', () => {
    const ours = {
      model: 'served',
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    }
    expect(sent('chat', { messages: [] })).toEqual({ messages: [], cache_salt: 'hmac', ...ours })
    expect(sent('completions', { prompt: 'Once' })).toEqual({ prompt: 'Once', ...ours })
  })

  test('is one limit, of which it knows two names and takes one', () => {
    const body = sent('chat', { messages: [], max_tokens: 9, max_completion_tokens: 9 })
    expect(body).toMatchObject({ max_tokens: 9 })
    expect(body).not.toHaveProperty('max_completion_tokens')
  })

  test('is the choice among tools that OpenAI’s API makes without one', () => {
    expect(sent('chat', { tools: [{}] })).toMatchObject({ tools: [{}], tool_choice: 'auto' })
    expect(sent('chat', { tools: [{}], tool_choice: 'required' })).toMatchObject({ tool_choice: 'required' })
    expect(sent('chat', { messages: [] })).not.toHaveProperty('tool_choice')
  })

  test('is no suffix', () => {
    expect(trtllm.fields.completions.has('suffix')).toBe(false)
  })
})

test('keeps nothing of its own in a frame', () => {
  const data =
    '{"choices":[{"index":0,"text":"a","token_ids":[7],"finish_reason":null,"avg_decoded_tokens_per_iter":2.5}],"prompt_token_ids":[1,2]}'
  expect(trtllm.readEvent('completions', data)).toMatchObject({
    frame: { members: '{"choices":[{"index":0,"text":"a","finish_reason":null}]}', text: 'a' },
  })
})
