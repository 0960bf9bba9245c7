import { expect, test } from 'vitest'
import { ollama } from '../../../workers/adapters/ollama.ts'
import { MISCONFIGURED, REJECTED, SATURATED, UNAVAILABLE, describeAdapter } from './contract.ts'

describeAdapter(ollama, {
  requests: { continuation: null },
  streams: [
    {
      fixture: 'ollama-chat-usage',
      outcome: 'completed',
      texts: ['Hello there.'],
      finishes: ['stop'],
      isPlain: true,
      usage: [26, 4],
    },
    {
      fixture: 'ollama-chat-length',
      outcome: 'completed',
      texts: ['Hello'],
      finishes: ['length'],
      isPlain: true,
      usage: [26, 1],
    },
    {
      fixture: 'ollama-chat-reasoning',
      outcome: 'completed',
      texts: ['Four.'],
      finishes: ['stop'],
      isPlain: false,
      usage: [14, 9],
    },
    {
      fixture: 'ollama-chat-tools',
      outcome: 'completed',
      texts: [null],
      finishes: ['tool_calls'],
      isPlain: false,
      calls: [['get_weather', '{"city":"Oslo"}']],
      usage: [160, 21],
    },
    // What its runner says last is lost in its OpenAI routes: an empty piece, and no end.
    {
      fixture: 'ollama-chat-runner-gone',
      outcome: 'truncated',
      texts: ['Hello'],
      finishes: [],
      isPlain: true,
    },
    {
      fixture: 'ollama-completions',
      surface: 'completions',
      outcome: 'completed',
      texts: [', there was'],
      finishes: ['stop'],
      isPlain: true,
      usage: [30, 3],
    },
  ],
  errors: [
    { fixture: 'ollama-error-400', status: 400, fault: REJECTED },
    { fixture: 'ollama-error-400-native', status: 400, fault: REJECTED },
    { fixture: 'ollama-error-404-model', status: 404, fault: MISCONFIGURED },
    { fixture: 'ollama-error-499', status: 499, fault: UNAVAILABLE },
    { fixture: 'ollama-error-500', status: 500, fault: UNAVAILABLE },
    { fixture: 'ollama-error-503-busy', status: 503, fault: SATURATED },
  ],
})

test('sends Ollama the limit by the name it knows: by the other it would be no limit', () => {
  const { body } = ollama.buildRequest({
    surface: 'chat',
    body: { model: 'm', messages: [], max_completion_tokens: 9 },
    servedModel: 'llama3.2:3b',
    cacheSalt: 'hmac',
    isContinuation: false,
  })
  expect(JSON.parse(body)).toEqual({
    model: 'llama3.2:3b',
    messages: [],
    max_tokens: 9,
    stream: true,
    stream_options: { include_usage: true },
  })
})

test.each(['n', 'logit_bias', 'logprobs', 'tool_choice', 'parallel_tool_calls', 'top_k'])(
  'takes no %s, which it would pass over in silence',
  (field) => {
    expect(ollama.fields.chat.has(field)).toBe(false)
    expect(ollama.fields.completions.has(field)).toBe(false)
  },
)

test('goes on from no text: a prompt is put into a template there, on either surface', () => {
  expect(ollama.continues).toEqual({ chat: false, completions: false })
})
