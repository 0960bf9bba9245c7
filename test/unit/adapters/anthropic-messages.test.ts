import { describe, expect, test } from 'vitest'
import { toTurns } from '../../../workers/adapters/anthropic-messages.ts'

const text = (words: string) => ({ type: 'text', text: words })
const turns = (...messages: object[]) => toTurns(messages).messages

test('instructions stand apart, wherever in the chat they were, and in their order', () => {
  expect(
    toTurns([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Hi' },
      { role: 'developer', content: [text('Be brief.'), text('')] },
    ]),
  ).toEqual({
    system: 'Be kind.\n\nBe brief.',
    messages: [{ role: 'user', content: [text('Hi')] }],
  })
})

test('a chat without instructions has none', () => {
  expect(toTurns([{ role: 'user', content: 'Hi' }])).not.toHaveProperty('system')
  expect(toTurns([{ role: 'system', content: '' }])).not.toHaveProperty('system')
})

test('messages of one side in a row are one turn, and empty ones none', () => {
  expect(
    turns(
      { role: 'user', content: 'One' },
      { role: 'user', content: [text('two'), text('')] },
      { role: 'assistant', content: '' },
      { role: 'user', content: 'three' },
      { role: 'assistant', content: 'Yes.' },
    ),
  ).toEqual([
    { role: 'user', content: [text('One'), text('two'), text('three')] },
    { role: 'assistant', content: [text('Yes.')] },
  ])
})

describe('tool calls', () => {
  const call = (id: string, name: string, argumentText: string) => ({
    id,
    type: 'function',
    function: { name, arguments: argumentText },
  })

  test('are blocks of the model’s turn, and their results of the next one, all together', () => {
    expect(
      turns(
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: 'Looking.',
          tool_calls: [call('c1', 'get_weather', '{"city":"Oslo"}'), call('c2', 'get_time', '')],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'Rain' },
        { role: 'tool', tool_call_id: 'c2', content: [text('Noon')] },
        { role: 'user', content: 'And?' },
      ),
    ).toEqual([
      { role: 'user', content: [text('Weather?')] },
      {
        role: 'assistant',
        content: [
          text('Looking.'),
          { type: 'tool_use', id: 'c1', name: 'get_weather', input: { city: 'Oslo' } },
          { type: 'tool_use', id: 'c2', name: 'get_time', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'c1', content: [text('Rain')] },
          { type: 'tool_result', tool_use_id: 'c2', content: [text('Noon')] },
          text('And?'),
        ],
      },
    ])
  })

  test('keep their ids in letters that are allowed, on both sides alike', () => {
    const [made, result] = turns(
      { role: 'assistant', tool_calls: [call('functions.get_time:0', 'get_time', '{}')] },
      { role: 'tool', tool_call_id: 'functions.get_time:0', content: '' },
    )
    expect(made?.content).toEqual([
      { type: 'tool_use', id: 'functions_get_time_0', name: 'get_time', input: {} },
    ])
    expect(result?.content).toEqual([{ type: 'tool_result', tool_use_id: 'functions_get_time_0' }])
  })

  test('that were cut off are sent as they are, for the pool to refuse', () => {
    const [made] = turns({ role: 'assistant', tool_calls: [call('c', 'f', '{"a":')] })
    expect(made?.content).toEqual([{ type: 'tool_use', id: 'c', name: 'f', input: '{"a":' }])
  })

  test('of the older form are known by their function’s name', () => {
    const [made, result] = turns(
      { role: 'assistant', content: null, function_call: { name: 'get_time', arguments: '{}' } },
      { role: 'function', name: 'get_time', content: 'Noon' },
    )
    expect(made?.content).toEqual([{ type: 'tool_use', id: 'get_time', name: 'get_time', input: {} }])
    expect(result?.content).toEqual([
      { type: 'tool_result', tool_use_id: 'get_time', content: [text('Noon')] },
    ])
  })
})

test('a refusal is what the model said', () => {
  expect(turns({ role: 'assistant', refusal: 'No.' })).toEqual([
    { role: 'assistant', content: [text('No.')] },
  ])
  expect(turns({ role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] })).toEqual([
    { role: 'assistant', content: [text('No.')] },
  ])
})

describe('content that is no text', () => {
  const block = (part: object) => turns({ role: 'user', content: [part] })[0]?.content[0]

  test('is an image, by its type and its base64', () => {
    expect(
      block({ type: 'image_url', image_url: { url: 'data:image/PNG;base64,iVBO', detail: 'low' } }),
    ).toEqual({
      type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: 'iVBO' },
    })
  })

  test('is a document, if it is a PDF', () => {
    const file = { file_data: 'data:application/pdf;name=a.pdf;base64,JVBE', filename: 'a.pdf' }
    expect(block({ type: 'file', file })).toEqual({
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' },
      title: 'a.pdf',
    })
  })

  test.each([
    [
      'an image that is not in base64',
      { type: 'image_url', image_url: { url: 'data:image/svg+xml,<svg/>' } },
    ],
    ['an image without a comma', { type: 'image_url', image_url: { url: 'data:image/png;base64' } }],
    ['a file of another type', { type: 'file', file: { file_data: 'data:text/csv;base64,YSxi' } }],
    ['sound', { type: 'input_audio', input_audio: { data: 'UklG', format: 'wav' } }],
  ])('is sent as it is where there is no form for it: %s', (_name, part) => {
    expect(block(part)).toEqual(part)
  })

  test('of eight megabytes is taken apart like any other', () => {
    const data = 'A'.repeat(8 * 1024 * 1024)
    const image = block({ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } })
    expect(image).toMatchObject({ source: { media_type: 'image/png' } })
  })
})
