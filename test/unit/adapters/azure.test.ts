import { describe, expect, test } from 'vitest'
import { azure } from '../../../workers/adapters/azure.ts'
import {
  CONTEXT_LENGTH,
  MISCONFIGURED,
  REJECTED,
  SATURATED,
  UNAVAILABLE,
  describeAdapter,
} from './contract.ts'

const POOL = { api_version: '2024-10-21' }

describeAdapter(azure, {
  requests: {
    pool: POOL,
    continuation: null,
    paths: {
      chat: 'openai/deployments/served%2Fname/chat/completions?api-version=2024-10-21',
      completions: 'openai/deployments/served%2Fname/completions?api-version=2024-10-21',
    },
  },
  streams: [
    // The filter's notes are no part of the answer: what is left is text that another pool could go on from.
    {
      fixture: 'azure-chat-filtered',
      outcome: 'completed',
      texts: ['Hi you'],
      finishes: ['stop'],
      isPlain: true,
      usage: [1200, 3, 1024],
    },
    {
      fixture: 'azure-chat-async-filter',
      outcome: 'completed',
      texts: ['Hi you'],
      finishes: ['stop'],
      isPlain: true,
    },
    {
      fixture: 'azure-chat-cut',
      outcome: 'completed',
      texts: ['Hi'],
      finishes: ['content_filter'],
      isPlain: true,
    },
    {
      fixture: 'azure-chat-tools',
      outcome: 'completed',
      texts: [null],
      finishes: ['tool_calls'],
      isPlain: false,
      calls: [['get_weather', '{"city":"Oslo"}']],
      usage: [1200, 3, 1024],
    },
    { fixture: 'azure-chat-error', outcome: 'upstream_error', texts: ['Hi'], finishes: [], isPlain: true },
    {
      fixture: 'azure-completions',
      surface: 'completions',
      outcome: 'completed',
      texts: ['one two'],
      finishes: ['length'],
      isPlain: true,
      usage: [2, 2],
    },
  ],
  errors: [
    { fixture: 'azure-error-400-content-filter', status: 400, fault: REJECTED },
    { fixture: 'azure-error-400-context', status: 400, fault: CONTEXT_LENGTH },
    { fixture: 'azure-error-401', status: 401, fault: MISCONFIGURED },
    { fixture: 'azure-error-403', status: 403, fault: MISCONFIGURED },
    { fixture: 'azure-error-404-deployment', status: 404, fault: MISCONFIGURED },
    { fixture: 'azure-error-429', status: 429, fault: SATURATED },
    { fixture: 'azure-error-503', status: 503, fault: UNAVAILABLE },
  ],
})

describe('the notes of the content filter', () => {
  const members = (data: string) => {
    const event = azure.readEvent('chat', data)
    return event.kind === 'frame' ? event.frame.members : event.kind
  }

  test('are taken out of a choice, and the rest of it is as it was', () => {
    const data =
      '{"choices":[{"content_filter_results":{"hate":{"filtered":false}},"delta":{"content":"a"},"index":0}],"system_fingerprint":"fp"}'
    expect(members(data)).toBe('{"choices":[{"delta":{"content":"a"},"index":0}],"system_fingerprint":"fp"}')
  })

  test('are no event by themselves', () => {
    expect(
      members('{"choices":[{"content_filter_offsets":{"start_offset":1},"finish_reason":null,"index":0}]}'),
    ).toBe('ignored')
    expect(members('{"choices":[],"prompt_filter_results":[]}')).toBe('ignored')
  })

  test('are nothing that a piece without them is written anew for', () => {
    expect(members('{"choices":[{"delta":{"content":"\\u00e9"},"index":0}]}')).toBe(
      '{"choices":[{"delta":{"content":"\\u00e9"},"index":0}]}',
    )
  })
})

test('asks a deployment for vectors at its own path', () => {
  const { path } = azure.embeddings.buildRequest({
    inputs: ['one'],
    params: {},
    servedModel: 'text-embedding-3-small',
    cacheSalt: 'hmac',
    pool: POOL,
  })
  expect(path).toBe('openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21')
})
