import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { startReadingMessages } from '../../../workers/adapters/anthropic-events.ts'
import type { ReadEvent, UpstreamEvent } from '../../../workers/adapters/adapter.ts'

const noFault = () => undefined

function reader(): (event: object, name?: string) => UpstreamEvent {
  const readEvent: ReadEvent = startReadingMessages(noFault)
  return (event, name) => readEvent('chat', JSON.stringify(event), name)
}

function choiceOf(event: UpstreamEvent): unknown {
  return event.kind === 'frame' ? JSON.parse(event.frame.members).choices[0] : event.kind
}

const TOOL = { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }
const begin = (index: number, block: object) => ({ type: 'content_block_start', index, content_block: block })
const piece = (index: number, delta: object) => ({ type: 'content_block_delta', index, delta })

describe('an event', () => {
  test.each<[string, object, string]>([
    ['a ping', { type: 'ping' }, 'ignored'],
    ['a type that is yet to come', { type: 'message_pause' }, 'ignored'],
    ['no type at all', {}, 'ignored'],
    ['a text that begins with nothing', begin(0, { type: 'text', text: '' }), 'ignored'],
    ['a block of a kind that is not asked for', begin(0, { type: 'server_tool_use', id: 'x' }), 'ignored'],
    ['a signature', piece(0, { type: 'signature_delta', signature: 'x' }), 'ignored'],
    ['a citation', piece(0, { type: 'citations_delta', citation: {} }), 'ignored'],
    [
      'arguments of a call that never began',
      piece(0, { type: 'input_json_delta', partial_json: '{' }),
      'ignored',
    ],
    ['the end of a block that never began', { type: 'content_block_stop', index: 0 }, 'ignored'],
    ['the end', { type: 'message_stop' }, 'done'],
    ['an error', { type: 'error', error: { type: 'of_an_unknown_kind', message: 'x' } }, 'error'],
  ])('%s is %s', (_name, event, kind) => {
    expect(reader()(event).kind).toBe(kind)
  })

  test('that is no JSON object is an error, and OpenAI’s own end an end', () => {
    const readEvent = startReadingMessages(noFault)
    for (const data of ['', 'x', 'null', '[]', '{']) expect(readEvent('chat', data).kind).toBe('error')
    expect(readEvent('chat', '[DONE]').kind).toBe('done')
  })

  test('without a type is what its name says', () => {
    expect(reader()({}, 'message_stop').kind).toBe('done')
  })
})

test('text and reasoning are pieces of the only choice', () => {
  const read = reader()
  const rest = { index: 0, logprobs: null, finish_reason: null }
  expect(choiceOf(read(begin(0, { type: 'text', text: 'He' })))).toEqual({
    ...rest,
    delta: { content: 'He' },
  })
  expect(choiceOf(read(piece(0, { type: 'text_delta', text: 'llo' })))).toEqual({
    ...rest,
    delta: { content: 'llo' },
  })
  expect(choiceOf(read(piece(1, { type: 'thinking_delta', thinking: 'Hm' })))).toEqual({
    ...rest,
    delta: { reasoning_content: 'Hm' },
  })
})

test('calls are numbered among themselves, whatever blocks stand before them, and each stream anew', () => {
  const indexes = (read: (event: object) => UpstreamEvent) =>
    [begin(3, TOOL), begin(5, TOOL), piece(3, { type: 'input_json_delta', partial_json: '{}' })]
      .map((event) => choiceOf(read(event)))
      .map((choice) => (choice as { delta: { tool_calls: { index: number }[] } }).delta.tool_calls[0]?.index)
  expect(indexes(reader())).toEqual([0, 1, 0])
  expect(indexes(reader())).toEqual([0, 1, 0])
})

describe('usage', () => {
  const started = (usage: unknown) => ({ type: 'message_start', message: { usage } })
  const ended = (usage: unknown) => ({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage })
  const usageOf = (...events: object[]) => {
    const read = reader()
    const last = events.map((event) => read(event)).at(-1)
    return last?.kind === 'frame' ? last.usage : undefined
  }

  test('is what the beginning said of the prompt and the end of the answer', () => {
    const usage = usageOf(
      started({
        input_tokens: 4,
        cache_creation_input_tokens: 6,
        cache_read_input_tokens: 90,
        output_tokens: 1,
      }),
      ended({ output_tokens: 7 }),
    )
    expect(usage).toEqual({
      promptTokens: 100,
      completionTokens: 7,
      cachedTokens: 90,
      raw: '{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,"prompt_tokens_details":{"cached_tokens":90}}',
    })
  })

  test('is what the end said where it said more', () => {
    const usage = usageOf(
      started({ input_tokens: 4, output_tokens: 1 }),
      ended({ input_tokens: 5, cache_read_input_tokens: null, output_tokens: 7 }),
    )
    expect(usage).toMatchObject({ promptTokens: 5, completionTokens: 7 })
    // Null is unknown, not zero.
    expect(usage).not.toHaveProperty('cachedTokens')
  })

  test.each([[undefined], [null], ['x'], [{}], [{ input_tokens: -1 }], [{ output_tokens: 3 }]])(
    'is none where nothing is known of the prompt: %j',
    (usage) => {
      expect(usageOf(started(usage), ended(usage))).toBeUndefined()
    },
  )
})

test.each([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['pause_turn', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
  ['a reason that is yet to come', 'stop'],
])('an answer that ends by %s finishes by %s', (reason, finish) => {
  const event = reader()({ type: 'message_delta', delta: { stop_reason: reason } })
  expect(event.kind === 'frame' && event.frame.finishes).toEqual([{ index: 0, reason: finish }])
})

test('whatever known events hold, reading them gives frames of one choice and never throws', () => {
  const type = fc.constantFrom(
    'message_start',
    'content_block_start',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'error',
  )
  const kind = fc.constantFrom('text', 'tool_use', 'text_delta', 'input_json_delta', 'thinking_delta')
  const inner = fc.record(
    {
      type: kind,
      text: fc.jsonValue(),
      partial_json: fc.jsonValue(),
      input: fc.jsonValue(),
      id: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const event = fc.record(
    {
      type,
      index: fc.nat(2),
      content_block: inner,
      delta: inner,
      message: fc.jsonValue(),
      usage: fc.jsonValue(),
    },
    { requiredKeys: ['type'] },
  )
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const read = reader()
      for (const one of events) {
        const upstream = read(one)
        if (upstream.kind !== 'frame') continue
        expect(JSON.parse(upstream.frame.members).choices).toHaveLength(1)
        expect(upstream.indexes).toEqual([0])
      }
    }),
  )
})
