import { expect, test } from 'vitest'
import { toWire } from '../../../shared/errors.ts'
import { createRenderer, KEEP_ALIVE } from '../../../shared/stream/render.ts'

const reader = { id: 'chatcmpl-1', createdSeconds: 1_800_000_000, model: 'a"b' } as const
const usage = { promptTokens: 1, completionTokens: 2, raw: '{"prompt_tokens":1,"completion_tokens":2.0}' }
const members = '{"choices":[{"index":0,"delta":{"content":"\\u00e9"},"p":1.50}],"x":[]}'

test("puts the reader's own members before the frame's, which stay as the pool wrote them", () => {
  const renderer = createRenderer({ surface: 'chat', ...reader, includeUsage: false })
  expect(renderer.frame({ members })).toBe(
    'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1800000000,"model":"a\\"b",' +
      '"choices":[{"index":0,"delta":{"content":"\\u00e9"},"p":1.50}],"x":[]}\n\n',
  )
})

test('calls a completions chunk what OpenAI calls it', () => {
  const renderer = createRenderer({ surface: 'completions', ...reader, includeUsage: false })
  expect(renderer.frame({ members })).toContain('"object":"text_completion"')
})

test('gives who asked for usage null on each chunk, then a chunk with the counts as the pool wrote them', () => {
  const renderer = createRenderer({ surface: 'chat', ...reader, includeUsage: true })
  expect(JSON.parse(renderer.frame({ members }).slice(6)).usage).toBeNull()
  expect(renderer.usage(usage)).toBe(
    'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1800000000,"model":"a\\"b",' +
      '"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2.0}}\n\n',
  )
})

test('gives who did not ask for usage none at all', () => {
  const renderer = createRenderer({ surface: 'chat', ...reader, includeUsage: false })
  expect(renderer.usage(usage)).toBe('')
  expect(renderer.frame({ members })).not.toContain('usage')
})

test('renders a failure as a chunk with a top-level error and no choices', () => {
  const renderer = createRenderer({ surface: 'chat', ...reader, includeUsage: true })
  const { body } = toWire({ reason: 'stream_truncated' })
  const text = renderer.error(body)
  expect(text).toMatch(/^data: \{.*\}\n\n$/)
  expect(JSON.parse(text.slice(6))).toEqual({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_800_000_000,
    model: 'a"b',
    error: body.error,
  })
})

test('ends with what SDKs stop at', () => {
  expect(createRenderer({ surface: 'chat', ...reader, includeUsage: true }).done()).toBe('data: [DONE]\n\n')
})

test('a keep-alive is a comment and nothing else', () => {
  expect(KEEP_ALIVE).toBe(': keep-alive\n\n')
})
