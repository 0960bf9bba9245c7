import { describe, expect, test } from 'vitest'
import type { Surface } from '../../../shared/log/frame.ts'
import { readOpenAIEvent } from '../../../workers/adapters/openai-events.ts'

const DIALECT = { droppedMembers: new Set(['timings']) }

function read(data: string, surface: Surface = 'chat') {
  return readOpenAIEvent(DIALECT, surface, data)
}

function frameOf(data: string, surface: Surface = 'chat') {
  const event = read(data, surface)
  if (event.kind !== 'frame') throw new Error(`read as ${event.kind}`)
  return event.frame
}

describe('what an event is', () => {
  test.each([
    ['[DONE]', 'done'],
    [' [DONE] ', 'done'],
    ['{"choices":[{"delta":{"content":"a"}}]}', 'frame'],
    ['{"choices":[{}],"error":null}', 'frame'],
    ['{"choices":[{"index":0}],"usage":null}', 'frame'],
    ['{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}', 'usage'],
    ['{"usage":{"prompt_tokens":1}}', 'usage'],
    ['{"choices":[],"usage":null}', 'ignored'],
    ['{"choices":[],"usage":{"completion_tokens":2}}', 'ignored'],
    ['{"choices":[],"prompt_filter_results":[]}', 'ignored'],
    ['{"choices":null}', 'ignored'],
    ['{}', 'ignored'],
    ['{"error":{"message":"x"}}', 'error'],
    ['{"error":"Unauthorized"}', 'error'],
    ['{"choices":[{"index":0,"finish_reason":"error"}],"error":{"code":502}}', 'error'],
    ['{"object":"error","message":"full"}', 'error'],
    ['{"choices":{}}', 'error'],
    ['{"choices":[null]}', 'error'],
    ['{"choices":["a"]}', 'error'],
    ['', 'error'],
    ['null', 'error'],
    ['[]', 'error'],
    ['"[DONE]"', 'error'],
    ['{"choices":[{"delta":{"content":"a"}}]', 'error'],
    ['{"choices":[]}{"choices":[]}', 'error'],
    ['<html>', 'error'],
  ])('%s is %s', (data, kind) => {
    expect(read(data).kind).toBe(kind)
  })
})

describe('the members of a frame', () => {
  test('are as written, less those that differ between readers and those of one pool', () => {
    const data =
      '{"id":"x","choices":[{"delta":{"content":"\\u00e9"},"index":0,"logprobs":{"p":-0.10}}],"created":1,' +
      '"model":"m","object":"o","usage":{"prompt_tokens":1},"obfuscation":"pad","timings":{"ms":1},' +
      '"system_fingerprint":"fp","big":12345678901234567890}'
    expect(frameOf(data).members).toBe(
      '{"choices":[{"delta":{"content":"\\u00e9"},"index":0,"logprobs":{"p":-0.10}}],' +
        '"system_fingerprint":"fp","big":12345678901234567890}',
    )
  })

  test('leave out a name that hides behind an escape', () => {
    expect(frameOf('{"\\u0069d":"x","choices":[{}]}').members).toBe('{"choices":[{}]}')
  })

  test('have blanks for line breaks between tokens and keep escaped ones', () => {
    expect(frameOf('{\n"choices":\r\n[{"delta":\n{"content":"a\\nb"}}]}').members).toBe(
      '{"choices":  [{"delta": {"content":"a\\nb"}}]}',
    )
  })
})

describe('content', () => {
  test.each([
    ['{"role":"assistant"}', false],
    ['{"role":"assistant","content":""}', false],
    ['{"role":"assistant","content":null,"refusal":null,"tool_calls":[]}', false],
    ['{}', false],
    ['null', false],
    ['{"content":" "}', true],
    ['{"content":"","reasoning_content":"hm"}', true],
    ['{"refusal":"no"}', true],
    ['{"tool_calls":[{"index":0}]}', true],
    ['{"function_call":{"name":"f"}}', true],
  ])('is, in the delta %s, there: %s', (delta, hasContent) => {
    expect(frameOf(`{"choices":[{"index":0,"delta":${delta}}]}`).hasContent).toBe(hasContent)
  })

  test.each([
    ['{"text":""}', false],
    ['{"text":"a"}', true],
    ['{"delta":{"content":"a"}}', false],
  ])('is, in the completions choice %s, there: %s', (choice, hasContent) => {
    expect(frameOf(`{"choices":[${choice}]}`, 'completions').hasContent).toBe(hasContent)
  })

  test('counts if any of several choices has it', () => {
    expect(frameOf('{"choices":[{"delta":{}},{"index":1,"delta":{"content":"a"}}]}').hasContent).toBe(true)
  })
})

describe('the text of a frame', () => {
  test.each<[string, Surface, string, string | undefined]>([
    ['a role', 'chat', '{"delta":{"role":"assistant"}}', ''],
    ['a role and an empty text', 'chat', '{"delta":{"role":"assistant","content":""}}', ''],
    ['a role and null', 'chat', '{"delta":{"role":"assistant","content":null}}', ''],
    ['text', 'chat', '{"index":0,"delta":{"content":"\\u00e9"},"logprobs":null,"finish_reason":null}', 'é'],
    [
      'text with all that may be null',
      'chat',
      '{"delta":{"content":"a","refusal":null,"tool_calls":[]}}',
      'a',
    ],
    ['a finish alone', 'chat', '{"index":0,"delta":{},"finish_reason":"stop"}', ''],
    ['a finish without a delta', 'chat', '{"index":0,"finish_reason":"stop"}', undefined],
    [
      'text and its finish',
      'chat',
      '{"delta":{"content":"a"},"finish_reason":"length","stop_reason":null}',
      'a',
    ],
    ['reasoning', 'chat', '{"delta":{"reasoning_content":"hm"}}', undefined],
    ['a tool call', 'chat', '{"delta":{"tool_calls":[{"index":0,"id":"c"}]}}', undefined],
    ['a function call', 'chat', '{"delta":{"function_call":{"name":"f"}}}', undefined],
    ['a refusal', 'chat', '{"delta":{"refusal":"no"}}', undefined],
    ['log probabilities', 'chat', '{"delta":{"content":"a"},"logprobs":{"content":[]}}', undefined],
    ['a second choice', 'chat', '{"index":1,"delta":{"content":"a"}}', undefined],
    ['completions text', 'completions', '{"index":0,"text":"a","logprobs":null}', 'a'],
    ['a completions finish', 'completions', '{"index":0,"text":"","finish_reason":"length"}', ''],
    ['completions log probabilities', 'completions', '{"text":"a","logprobs":{"tokens":["a"]}}', undefined],
  ])('is, for %s', (_name, surface, choice, text) => {
    expect(frameOf(`{"choices":[${choice}]}`, surface).text).toBe(text)
  })

  test('is none where there are several choices', () => {
    expect(frameOf('{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{}}]}')).not.toHaveProperty(
      'text',
    )
  })
})

test('finishes are non-empty reasons, by choice', () => {
  const choices =
    '[{"index":0,"finish_reason":null},{"index":1,"finish_reason":"stop"},{"index":2,"finish_reason":""},' +
    '{"finish_reason":"length"}]'
  expect(frameOf(`{"choices":${choices}}`).finishes).toEqual([
    { index: 1, reason: 'stop' },
    { index: 0, reason: 'length' },
  ])
  expect(read(`{"choices":${choices}}`)).toMatchObject({ indexes: [0, 1, 2, 0] })
})

describe('usage', () => {
  test.each([
    ['{"prompt_tokens":7,"completion_tokens":3}', { promptTokens: 7, completionTokens: 3 }],
    [
      '{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}',
      { promptTokens: 7, completionTokens: 3, cachedTokens: 0 },
    ],
    [
      '{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":6}}',
      { promptTokens: 7, completionTokens: 3, cachedTokens: 6 },
    ],
    ['{"prompt_tokens":7,"prompt_tokens_details":null}', { promptTokens: 7, completionTokens: 0 }],
    [
      '{"prompt_tokens":7,"prompt_tokens_details":{"cached_tokens":-1}}',
      { promptTokens: 7, completionTokens: 0 },
    ],
  ])('%s is read with unknown kept apart from zero', (raw, counts) => {
    expect(read(`{"choices":[],"usage":${raw}}`)).toEqual({ kind: 'usage', usage: { ...counts, raw } })
  })

  test.each(['{"prompt_tokens":"7"}', '{"prompt_tokens":1.5}', '[]', '7', '{}'])(
    'that makes no sense is not usage: %s',
    (raw) => {
      expect(read(`{"choices":[],"usage":${raw}}`).kind).toBe('ignored')
    },
  )

  test('keeps its text, less line breaks', () => {
    expect(read('{"choices":[],"usage":{\n"prompt_tokens":1,"cost":1.00}}')).toMatchObject({
      usage: { raw: '{ "prompt_tokens":1,"cost":1.00}' },
    })
  })
})

test('counts that a dialect states elsewhere stand in where there is no usage', () => {
  const usage = { promptTokens: 7, completionTokens: 3, raw: '{"elsewhere":1}' }
  const dialect = { droppedMembers: new Set<string>(), usage: () => usage }
  const withUsage = '{"choices":[{"delta":{}}],"usage":{"prompt_tokens":1}}'
  expect(readOpenAIEvent(dialect, 'chat', '{"choices":[{"delta":{}}]}')).toMatchObject({ usage })
  expect(readOpenAIEvent(dialect, 'chat', '{"choices":[]}')).toEqual({ kind: 'usage', usage })
  expect(readOpenAIEvent(dialect, 'chat', withUsage)).toMatchObject({ usage: { promptTokens: 1 } })
})
