import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { ask, contentOf, stream, textOf, whole, type Chunk } from './client.ts'
import { fitsSchema } from './fits-schema.ts'

const CHAT = '/v1/chat/completions'
const COMPLETIONS = '/v1/completions'
const user = (content: string) => ({ messages: [{ role: 'user', content }], temperature: 0 })

const WEATHER = {
  type: 'object',
  properties: {
    city: { type: 'string' },
    unit: { enum: ['celsius', 'fahrenheit'] },
    days: { type: 'integer', minimum: 1, maximum: 7 },
  },
  required: ['city', 'unit'],
  additionalProperties: false,
}
const tool = (name: string, parameters?: object) => ({ type: 'function', function: { name, parameters } })
const TOOLS = [tool('get_weather', WEATHER), tool('get_time')]
const named = (name: string) => ({ type: 'function', function: { name } })

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({ model: 'sim' })
})
afterAll(() => engine.close())

function callsIn(chunks: readonly Chunk[], index = 0) {
  return chunks
    .flatMap(({ choices }) => choices)
    .filter((choice) => choice.index === index)
    .flatMap(({ delta }) => delta?.tool_calls ?? [])
}

describe('a tool', () => {
  test.each([
    ['required', 'Hello', 'required', 'get_weather'],
    ['named', 'Hello', named('get_time'), 'get_time'],
    ['asked for by the user, to whom it is left', 'Now [tool] please', 'auto', 'get_weather'],
    ['asked for by the user, when nothing is said', 'Now [tool] please', undefined, 'get_weather'],
  ])('is called when %s', async (_, content, choice, name) => {
    const asked = { ...user(content), tools: TOOLS, ...(choice === undefined ? {} : { tool_choice: choice }) }
    const answer = await whole(engine, CHAT, asked)
    expect(answer.choices[0]).toMatchObject({
      message: {
        role: 'assistant',
        content: null,
        tool_calls: [{ type: 'function', id: expect.stringMatching(/^chatcmpl-tool-/), function: { name } }],
      },
      finish_reason: 'tool_calls',
      stop_reason: null,
    })
    const text = answer.choices[0]?.message?.tool_calls[0]?.function.arguments ?? ''
    expect(fitsSchema(JSON.parse(text), name === 'get_weather' ? WEATHER : { type: 'object' })).toBe(true)
  })

  test.each([
    ['nothing asks for it', user('Hello'), {}],
    ['it is left to the model, and nothing asks for it', user('Hello'), { tool_choice: 'auto' }],
    ['it is forbidden', user('Now [tool] please'), { tool_choice: 'none' }],
    [
      'only an earlier message asked for it',
      {
        ...user(''),
        messages: [
          { role: 'user', content: '[tool]' },
          { role: 'assistant', content: 'Well.' },
          { role: 'user', content: 'No, thanks.' },
        ],
      },
      {},
    ],
    [
      'it has answered',
      {
        ...user(''),
        messages: [
          { role: 'user', content: '[tool]' },
          { role: 'assistant', content: null, tool_calls: [{ id: 'c', ...tool('get_weather') }] },
          { role: 'tool', tool_call_id: 'c', content: 'Rain.' },
        ],
      },
      {},
    ],
  ])('is not called when %s', async (_, body, more) => {
    const answer = await whole(engine, CHAT, { ...body, tools: TOOLS, ...more })
    expect(answer.choices[0]?.message).toMatchObject({ content: expect.stringMatching(/\w/), tool_calls: [] })
    expect(answer.choices[0]?.finish_reason).toBe('stop')
  })

  test('streams its id and name with the first piece, and its arguments in pieces', async () => {
    const body = { ...user('Hello'), tools: TOOLS, tool_choice: 'required' }
    const chunks = await stream(engine, CHAT, { ...body, stream_options: { include_usage: true } })
    const [first, ...rest] = callsIn(chunks)
    expect(first).toMatchObject({ index: 0, type: 'function', function: { name: 'get_weather' } })
    expect(first?.id).toMatch(/^chatcmpl-tool-[0-9a-f]{32}-0$/)
    expect(rest.length).toBeGreaterThan(5)
    for (const piece of rest) {
      expect(piece).toEqual({ index: 0, function: { arguments: expect.stringMatching(/./u) } })
    }
    const text = [first, ...rest].map((piece) => piece?.function.arguments).join('')
    const answer = await whole(engine, CHAT, body)
    expect(text).toBe(answer.choices[0]?.message?.tool_calls[0]?.function.arguments)
    expect(chunks.at(-2)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'tool_calls' })
    // The end of the turn is a token too.
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(rest.length + 2)
    expect(textOf(chunks)).toBe('')
  })

  test('is called by each choice, with an id of its own and other arguments', async () => {
    const body = { ...user('Hello'), tools: TOOLS, tool_choice: 'required', n: 4 }
    const chunks = await stream(engine, CHAT, body)
    const calls = [0, 1, 2, 3].map((index) => callsIn(chunks, index))
    expect(new Set(calls.map(([first]) => first?.id)).size).toBe(4)
    const texts = calls.map((pieces) => pieces.map((piece) => piece.function.arguments).join(''))
    for (const text of texts) expect(fitsSchema(JSON.parse(text), WEATHER)).toBe(true)
    expect(new Set(texts).size).toBeGreaterThan(1)
    const single = await whole(engine, CHAT, { ...body, n: 1 })
    expect(texts[0]).toBe(single.choices[0]?.message?.tool_calls[0]?.function.arguments)
  })

  test('is called with other arguments for another prompt, and at another seed', async () => {
    const text = async (content: string, more: object = {}) => {
      const { choices } = await whole(engine, CHAT, {
        ...user(content),
        tools: TOOLS,
        tool_choice: 'required',
        ...more,
      })
      return choices[0]?.message?.tool_calls[0]?.function.arguments
    }
    expect(await text('Hello')).toBe(await text('Hello'))
    expect(await text('Hello', { seed: 9 })).toBe(await text('Hello'))
    expect(new Set([await text('a'), await text('b'), await text('c')]).size).toBeGreaterThan(1)
    const seeds = [1, 2, 3, 4, 5].map((seed) => text('Hello', { temperature: 2, seed }))
    expect(new Set(await Promise.all(seeds)).size).toBeGreaterThan(1)
  })

  test.each([
    ['max_tokens', { max_tokens: 3 }, 'length', null],
    ['a stop string', { stop: ['"unit"'] }, 'stop', '"unit"'],
  ])('that is cut by %s is no complete call', async (_, more, reason, stop) => {
    const body = { ...user('Hello'), tools: TOOLS, tool_choice: 'required', ...more }
    const { choices } = await whole(engine, CHAT, body)
    expect(choices[0]).toMatchObject({ finish_reason: reason, stop_reason: stop })
    expect(() => JSON.parse(choices[0]?.message?.tool_calls[0]?.function.arguments ?? '')).toThrow(
      SyntaxError,
    )
    const chunks = await stream(engine, CHAT, body)
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe(reason)
  })
})

describe('a response format', () => {
  const format = (schema: object) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
  })

  test.each([
    ['of any JSON object', { response_format: { type: 'json_object' } }, { type: 'object' }],
    ['with a schema', format(WEATHER), WEATHER],
    [
      'with a schema that is no object’s',
      format({ type: 'array', items: WEATHER, minItems: 2 }),
      { type: 'array' },
    ],
  ])('%s gives one JSON value, streamed token by token', async (_, more, schema) => {
    for (const question of ['Hello', 'Why?', 'Tell me.']) {
      const answer = await ask(engine, question, more)
      expect(fitsSchema(JSON.parse(contentOf(answer)), schema)).toBe(true)
      expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { tool_calls: [] } })
      const chunks = await stream(engine, CHAT, { ...user(question), ...more })
      expect(textOf(chunks)).toBe(contentOf(answer))
      // Beside a chunk for each token the role's.
      expect(chunks.length).toBe(answer.usage.completion_tokens + 1)
    }
  })

  test('holds on the completions surface too', async () => {
    const body = { prompt: 'Once', temperature: 0, max_tokens: 200, ...format(WEATHER) }
    const answer = await whole(engine, COMPLETIONS, body)
    expect(fitsSchema(JSON.parse(contentOf(answer)), WEATHER)).toBe(true)
  })

  test('of text is no format', async () => {
    const plain = await ask(engine, 'Hello')
    expect(contentOf(await ask(engine, 'Hello', { response_format: { type: 'text' } }))).toBe(
      contentOf(plain),
    )
    expect(contentOf(await ask(engine, 'Hello', { response_format: null }))).toBe(contentOf(plain))
  })

  test('gives way to a tool that is called', async () => {
    const { choices } = await whole(engine, CHAT, {
      ...user('[tool]'),
      tools: TOOLS,
      response_format: { type: 'json_object' },
    })
    expect(choices[0]?.finish_reason).toBe('tool_calls')
  })

  test('cut by max_tokens ends with length, in the middle of the JSON', async () => {
    const whole = await ask(engine, 'Hello', format(WEATHER))
    const cut = await ask(engine, 'Hello', { ...format(WEATHER), max_tokens: 4 })
    expect(cut.choices[0]?.finish_reason).toBe('length')
    expect(contentOf(whole).startsWith(contentOf(cut))).toBe(true)
    expect(contentOf(cut).length).toBeLessThan(contentOf(whole).length)
  })

  test('begins its JSON anew on a continuation, as a real engine’s grammar does', async () => {
    const messages = [...user('Hello').messages, { role: 'assistant', content: '{"city":' }]
    const flags = { continue_final_message: true, add_generation_prompt: false }
    const answer = await whole(engine, CHAT, { messages, temperature: 0, ...flags, ...format(WEATHER) })
    expect(fitsSchema(JSON.parse(contentOf(answer)), WEATHER)).toBe(true)
  })
})
