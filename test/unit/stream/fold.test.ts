import { describe, expect, test } from 'vitest'
import type { Surface, Usage } from '../../../shared/log/frame.ts'
import { createFold } from '../../../shared/stream/fold.ts'

const reader = { id: 'chatcmpl-1', createdSeconds: 1_800_000_000, model: 'm' } as const

function fold(surface: Surface, events: readonly object[], usage?: Usage) {
  const folded = createFold(surface)
  for (const event of events) folded.add({ members: JSON.stringify(event) })
  return JSON.parse(folded.answer({ ...reader, ...(usage === undefined ? {} : { usage }) }))
}

function foldDeltas(deltas: readonly object[]) {
  return fold(
    'chat',
    deltas.map((delta) => ({ choices: [{ index: 0, delta }] })),
  ).choices[0].message
}

describe('a chat answer', () => {
  test('has the shape of a chat completion, with the usage as the pool wrote it', () => {
    const folded = createFold('chat')
    folded.add({ members: '{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}' })
    folded.add({ members: '{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}' })
    const usage = { promptTokens: 1, completionTokens: 1, raw: '{"prompt_tokens":1,"cost":1.00}' }
    expect(folded.answer({ ...reader, usage })).toBe(
      '{"id":"chatcmpl-1","object":"chat.completion","created":1800000000,"model":"m","choices":[' +
        '{"index":0,"message":{"role":"assistant","content":"Hi"},"logprobs":null,"finish_reason":"stop"}],' +
        '"usage":{"prompt_tokens":1,"cost":1.00}}',
    )
  })

  test('puts choices in their order, whichever was first', () => {
    const answer = fold('chat', [
      { choices: [{ index: 1, delta: { content: 'b' } }] },
      { choices: [{ index: 0, delta: { content: 'a' } }] },
      {
        choices: [
          { index: 1, delta: { content: 'B' }, finish_reason: 'stop' },
          { index: 0, delta: {}, finish_reason: 'length' },
        ],
      },
    ])
    expect(answer.choices).toMatchObject([
      { index: 0, message: { content: 'a' }, finish_reason: 'length' },
      { index: 1, message: { content: 'bB' }, finish_reason: 'stop' },
    ])
  })

  test('joins reasoning, under whichever name the pool gives it, and content', () => {
    expect(
      foldDeltas([
        { role: 'assistant', content: '', reasoning_content: 'Two ' },
        { reasoning_content: 'and two.' },
        { content: 'Fo' },
        { content: 'ur', reasoning_content: null },
      ]),
    ).toEqual({ role: 'assistant', reasoning_content: 'Two and two.', content: 'Four' })
    expect(foldDeltas([{ reasoning: 'a' }, { reasoning: 'b', content: 'c' }])).toEqual({
      role: 'assistant',
      reasoning: 'ab',
      content: 'c',
    })
  })

  test.each([
    ['no delta at all', [], ''],
    ['only nulls', [{ content: null }], ''],
    ['empty text', [{ content: '' }], ''],
    ['a tool call', [{ content: '', tool_calls: [{ index: 0, id: 'c', function: { name: 'f' } }] }], null],
    ['a function call', [{ content: null, function_call: { name: 'f' } }], null],
    ['a refusal', [{ content: null, refusal: 'No.' }], null],
    ['a tool call after text', [{ content: 'x' }, { tool_calls: [{ index: 0, id: 'c' }] }], 'x'],
  ])('with %s has the content %j', (_, deltas, content) => {
    expect(foldDeltas([{ role: 'assistant' }, ...deltas]).content).toBe(content)
  })

  test('joins a refusal and a function call', () => {
    expect(
      foldDeltas([
        { function_call: { name: 'f', arguments: '{' }, refusal: 'I ' },
        { function_call: { arguments: '}' }, refusal: 'cannot' },
      ]),
    ).toEqual({
      role: 'assistant',
      content: null,
      refusal: 'I cannot',
      function_call: { name: 'f', arguments: '{}' },
    })
  })

  test('keeps members it does not know: lists joined, the last of everything else', () => {
    expect(
      foldDeltas([
        { annotations: [1], mood: 'a', audio: { data: 'x' } },
        { annotations: [2], mood: 'b' },
      ]),
    ).toEqual({ role: 'assistant', content: '', annotations: [1, 2], mood: 'b' })
  })

  test('keeps what is beside the deltas and beside the choices as last stated, and null undoes nothing', () => {
    const answer = fold('chat', [
      { choices: [{ index: 0, delta: {}, stop_reason: null }], service_tier: 'default', seq: 1 },
      { choices: [{ index: 0, delta: {}, stop_reason: 7, matched_stop: null }], seq: 2, empty: null },
      { choices: [{ index: 0, delta: {} }], service_tier: null, system_fingerprint: 'fp' },
    ])
    expect(answer).toMatchObject({ service_tier: 'default', seq: 2, empty: null, system_fingerprint: 'fp' })
    expect(answer.choices[0]).toMatchObject({ stop_reason: 7, matched_stop: null })
  })

  test('concatenates log probabilities of content and of a refusal', () => {
    const answer = fold('chat', [
      { choices: [{ index: 0, delta: {}, logprobs: { content: [{ token: 'a' }], refusal: null } }] },
      { choices: [{ index: 0, delta: {}, logprobs: null }] },
      { choices: [{ index: 0, delta: {}, logprobs: { content: [{ token: 'b' }, { token: 'c' }] } }] },
    ])
    expect(answer.choices[0].logprobs).toEqual({
      refusal: null,
      content: [{ token: 'a' }, { token: 'b' }, { token: 'c' }],
    })
  })

  test('is not misled by a member named __proto__', () => {
    const folded = createFold('chat')
    folded.add({
      members: '{"choices":[{"delta":{"__proto__":{"x":1}},"__proto__":{"y":1}}],"__proto__":[]}',
    })
    const answer = folded.answer(reader)
    expect(answer).toContain('"__proto__":{"x":1}')
    expect(JSON.parse(answer).choices[0].message.content).toBe('')
  })
})

describe('tool calls', () => {
  const calls = (deltas: readonly object[]) =>
    foldDeltas(deltas.map((delta) => ({ tool_calls: [delta] }))).tool_calls

  test('take id and name from the first delta and join the arguments, by index', () => {
    expect(
      calls([
        { index: 1, id: 'b', type: 'function', function: { name: 'read', arguments: '' } },
        { index: 0, id: 'a', type: 'function', function: { name: 'find', arguments: '{"q"' } },
        { index: 1, function: { arguments: '{}' } },
        { index: 0, id: '', function: { name: 'other', arguments: ':1}' } },
      ]),
    ).toEqual([
      { id: 'a', type: 'function', function: { name: 'find', arguments: '{"q":1}' } },
      { id: 'b', type: 'function', function: { name: 'read', arguments: '{}' } },
    ])
  })

  test('without an index are told apart by their ids', () => {
    expect(
      calls([
        { index: null, id: 'a', function: { name: 'find', arguments: '{' } },
        { index: null, function: { arguments: '}' } },
        { id: 'b', function: { name: 'read', arguments: '[' } },
        { id: 'b', function: { arguments: ']' } },
      ]),
    ).toEqual([
      { id: 'a', type: 'function', function: { name: 'find', arguments: '{}' } },
      { id: 'b', type: 'function', function: { name: 'read', arguments: '[]' } },
    ])
  })

  test('keep members of their own', () => {
    expect(
      calls([{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' }, extra_content: { s: 1 } }]),
    ).toEqual([
      { extra_content: { s: 1 }, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
    ])
  })
})

describe('a completions answer', () => {
  test('joins the texts and concatenates every list of log probabilities', () => {
    const piece = (text: string, offset: number) => ({
      choices: [
        {
          index: 0,
          text,
          logprobs: {
            tokens: [text],
            token_logprobs: [-0.5],
            top_logprobs: [{ [text]: -0.5 }],
            text_offset: [offset],
          },
          finish_reason: null,
        },
      ],
    })
    const last = { choices: [{ index: 0, text: '', logprobs: null, finish_reason: 'length' }] }
    expect(fold('completions', [piece('one', 0), piece(' two', 3), last])).toEqual({
      id: 'chatcmpl-1',
      object: 'text_completion',
      created: 1_800_000_000,
      model: 'm',
      choices: [
        {
          index: 0,
          text: 'one two',
          logprobs: {
            tokens: ['one', ' two'],
            token_logprobs: [-0.5, -0.5],
            top_logprobs: [{ one: -0.5 }, { ' two': -0.5 }],
            text_offset: [0, 3],
          },
          finish_reason: 'length',
        },
      ],
    })
  })
})

test('a frame that is not one is a broken invariant', () => {
  expect(() => createFold('chat').add({ members: '{}' })).toThrow()
})
