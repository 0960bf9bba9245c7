import { describe, expect, test } from 'vitest'
import { tgi } from '../../../workers/adapters/tgi.ts'
import { CONTEXT_LENGTH, REJECTED, SATURATED, UNAVAILABLE, describeAdapter } from './contract.ts'

const FAILED = { outcome: 'upstream_error', texts: [], finishes: [], isPlain: true } as const

describeAdapter(tgi, {
  requests: { continuation: null },
  streams: [
    {
      fixture: 'tgi-chat-usage',
      outcome: 'completed',
      texts: ['Hello there.'],
      finishes: ['stop'],
      isPlain: true,
      usage: [40, 3],
    },
    {
      fixture: 'tgi-chat-usage-on-finish',
      outcome: 'completed',
      texts: ['Hi'],
      finishes: ['length'],
      isPlain: true,
      usage: [40, 1],
    },
    {
      fixture: 'tgi-chat-stop-sequence',
      outcome: 'completed',
      texts: ['One END'],
      finishes: ['stop'],
      isPlain: true,
      usage: [8, 2],
    },
    {
      fixture: 'tgi-chat-tools',
      outcome: 'completed',
      texts: [null],
      finishes: ['stop'],
      isPlain: false,
      calls: [['get_weather', '{"city": "Oslo"}']],
      usage: [120, 18],
    },
    {
      fixture: 'tgi-chat-logprobs',
      outcome: 'completed',
      texts: ['Hi'],
      finishes: ['stop'],
      isPlain: false,
      usage: [8, 2],
    },
    { fixture: 'tgi-chat-overloaded', ...FAILED, fault: SATURATED },
    { fixture: 'tgi-chat-context', ...FAILED, fault: CONTEXT_LENGTH },
    { fixture: 'tgi-chat-validation', ...FAILED, fault: REJECTED },
    { fixture: 'tgi-chat-died', ...FAILED, texts: ['Hello'], fault: UNAVAILABLE },
    {
      fixture: 'tgi-completions',
      surface: 'completions',
      outcome: 'completed',
      texts: [', there was'],
      finishes: ['stop'],
      isPlain: true,
      usage: [5, 3],
    },
    { fixture: 'tgi-completions-overloaded', surface: 'completions', ...FAILED, fault: SATURATED },
  ],
  errors: [
    { fixture: 'tgi-error-422-context', status: 422, fault: CONTEXT_LENGTH },
    { fixture: 'tgi-error-422-total', status: 422, fault: CONTEXT_LENGTH },
    { fixture: 'tgi-error-422-type', status: 422, fault: REJECTED },
    { fixture: 'tgi-error-424', status: 424, fault: UNAVAILABLE },
    { fixture: 'tgi-error-429', status: 429, fault: SATURATED },
    { fixture: 'tgi-error-500', status: 500, fault: UNAVAILABLE },
    { fixture: 'tgi-error-503', status: 503, fault: UNAVAILABLE },
  ],
})

describe('what TGI is sent', () => {
  const sent = (fields: object) => {
    const body = { messages: [], ...fields }
    const request = tgi.buildRequest({
      surface: 'chat',
      body,
      servedModel: 'tgi',
      cacheSalt: 'hmac',
      isContinuation: false,
    })
    const { model: _model, messages: _messages, ...rest } = JSON.parse(request.body)
    return rest
  }
  const ours = { stream: true, stream_options: { include_usage: true } }

  test.each([
    ['one stop sequence, as a list', { stop: 'END' }, { stop: ['END'] }],
    ['a list of them, as it is', { stop: ['a', 'b'] }, { stop: ['a', 'b'] }],
    ['all of the probability mass, by saying nothing', { top_p: 1 }, {}],
    ['a share of it', { top_p: 0.9 }, { top_p: 0.9 }],
    ['the newer limit, by its older name', { max_completion_tokens: 9 }, { max_tokens: 9 }],
    ['both limits, once', { max_completion_tokens: 9, max_tokens: 9 }, { max_tokens: 9 }],
  ])('is %s', (_name, fields, expected) => {
    expect(sent(fields)).toEqual({ ...expected, ...ours })
  })
})

test.each(['n', 'logit_bias', 'presence_penalty', 'response_format', 'suffix'])(
  'takes no %s, which means nothing or something else there',
  (field) => {
    expect(tgi.fields.chat.has(field)).toBe(false)
    expect(tgi.fields.completions.has(field)).toBe(false)
  },
)

test('finishes in OpenAI’s words, and never with an empty one', () => {
  const choice = (reason: string) =>
    JSON.stringify({ choices: [{ index: 0, text: 'a', finish_reason: reason }] })
  const members = (reason: string) => {
    const event = tgi.readEvent('completions', choice(reason))
    return event.kind === 'frame' ? event.frame.members : event.kind
  }
  expect(members('')).toBe('{"choices":[{"index":0,"text":"a","finish_reason":null}]}')
  expect(members('eos_token')).toBe('{"choices":[{"index":0,"text":"a","finish_reason":"stop"}]}')
  expect(members('stop_sequence')).toBe('{"choices":[{"index":0,"text":"a","finish_reason":"stop"}]}')
  expect(members('length')).toBe('{"choices":[{"index":0,"text":"a","finish_reason":"length"}]}')
})
