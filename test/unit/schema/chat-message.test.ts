import { describe, expect, test } from 'vitest'
import { bodyOf, errorOf, invalid, message } from './parse-body.ts'

describe('messages', () => {
  const image = 'data:image/png;base64,AA=='
  const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }

  test.each([
    { role: 'system', content: 'x' },
    { role: 'developer', content: [{ type: 'text', text: 'x' }], name: 'n' },
    { role: 'user', content: '' },
    { role: 'user', content: [{ type: 'image_url', image_url: { url: image, detail: 'low' } }] },
    { role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } }] },
    { role: 'user', content: [{ type: 'file', file: { file_data: 'data:,x', filename: 'a.pdf' } }] },
    { role: 'assistant', content: 'x', reasoning_content: 'r', reasoning: 'r' },
    { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
    { role: 'assistant', refusal: 'no' },
    { role: 'assistant', tool_calls: [call] },
    { role: 'assistant', function_call: call.function },
    { role: 'tool', content: '4', tool_call_id: 'c1' },
    { role: 'function', content: '4', name: 'f' },
  ])('are taken as they are: %j', (value) => {
    expect(bodyOf(message(value))).toEqual({ messages: [value] })
  })

  test('may be an answer given back with all the empty members that servers put into it', () => {
    const answer = { role: 'assistant', content: 'x', refusal: null, annotations: [], audio: null }
    expect(bodyOf(message({ ...answer, function_call: null, tool_calls: [] }))).toEqual({
      messages: [{ role: 'assistant', content: 'x' }],
    })
  })

  test('lose a null content beside tool calls', () => {
    expect(bodyOf(message({ role: 'assistant', content: null, tool_calls: [call] }))).toEqual({
      messages: [{ role: 'assistant', tool_calls: [call] }],
    })
  })

  test.each([
    [{ role: 'user' }, { reason: 'missing_parameter', param: 'messages[0].content' }],
    [{ content: 'x' }, { reason: 'missing_parameter', param: 'messages[0].role' }],
    [
      { role: 'tool', content: 'x' },
      { reason: 'missing_parameter', param: 'messages[0].tool_call_id' },
    ],
    [
      { role: 'owner', content: 'x' },
      invalid('messages[0].role', 'one of "system", "developer", "user", "assistant", "tool", "function"'),
    ],
    ['x', invalid('messages[0]', 'an object')],
    [
      { role: 'user', content: 5 },
      invalid('messages[0].content', 'a string or an array of at least one content part'),
    ],
    [
      { role: 'user', content: null },
      invalid('messages[0].content', 'a string or an array of at least one content part'),
    ],
    [
      { role: 'user', content: [] },
      invalid('messages[0].content', 'a string or an array of at least one content part'),
    ],
    [
      { role: 'user', content: [{ type: 'text', text: 'x' }, { type: 'video' }] },
      invalid(
        'messages[0].content[1].type',
        'one of "text", "image_url", "input_audio", "file", "refusal", as the role allows',
      ),
    ],
    [
      { role: 'user', content: [{ type: 'text', text: 1 }] },
      invalid('messages[0].content[0].text', 'a string'),
    ],
    [
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x.test/a.png' } }] },
      invalid(
        'messages[0].content[0].image_url.url',
        'a data: URL (links are not fetched; send the content itself)',
      ),
    ],
    [
      { role: 'user', content: [{ type: 'file', file: { file_data: 'http://x.test' } }] },
      invalid(
        'messages[0].content[0].file.file_data',
        'a data: URL (links are not fetched; send the content itself)',
      ),
    ],
    [
      { role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'http://x', format: 'wav' } }] },
      invalid('messages[0].content[0].input_audio.data', 'base64 text'),
    ],
    [
      { role: 'user', content: [{ type: 'file', file: { file_data: 'data:,', file_id: 'f' } }] },
      { reason: 'unsupported_parameter', where: 'messages[0].content[0].file', position: 2 },
    ],
    [
      { role: 'user', content: 'x', weight: 1 },
      { reason: 'unsupported_parameter', where: 'messages[0]', position: 3 },
    ],
    [
      { role: 'assistant', content: null },
      invalid('messages[0].content', 'given in an assistant message without tool calls'),
    ],
    [
      { role: 'assistant', tool_calls: [{ ...call, type: 'custom' }] },
      invalid('messages[0].tool_calls[0].type', '"function"'),
    ],
  ])('are refused with the place of the mistake: %j', (value, error) => {
    expect(errorOf(message(value))).toEqual(error)
  })
})
