/** Tool calls as the real `openai` package asks for them and reads them. */
import { APIError, BadRequestError } from 'openai'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anew, question } from './ask.ts'
import { askStreamed, askWhole, cacheWord, PAIRS, WAYS, type Answered } from './both-ways.ts'
import { describeOwn, openAi, openOwnTarget, openTarget, type OwnTarget, type Target } from './target.ts'
import { ASKING, calling, Place, TIME, WEATHER } from './weather.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

function expectWeatherCall({ choices }: Answered): void {
  expect(choices).toEqual([
    {
      index: 0,
      finish: 'tool_calls',
      content: null,
      refusal: null,
      logprobs: null,
      calls: [
        {
          id: expect.stringMatching(/./),
          type: 'function',
          name: 'get_weather',
          arguments: expect.stringMatching(/^\{.*\}$/s),
        },
      ],
    },
  ])
  expect(Place.safeParse(JSON.parse(choices[0]?.calls[0]?.arguments ?? '')).error).toBeUndefined()
}

const argumentsOf = ({ choices }: Answered) => choices[0]?.calls[0]?.arguments ?? ''
const callsOf = ({ choices }: ChatCompletionChunk) => choices[0]?.delta.tool_calls ?? []

test.each([
  { what: 'the function is named', fields: {} },
  { what: 'any call is required', fields: { tool_choice: 'required' } },
  { what: 'the model decides, and is asked to', fields: { content: anew(ASKING), tool_choice: 'auto' } },
  {
    what: 'nothing is said, and the model is asked to',
    fields: { content: anew(ASKING), tool_choice: null },
  },
])('a call is made where $what, streamed or not', async ({ fields }) => {
  const body = calling(target, fields)
  const off = { 'x-mesh-cache': 'off' }
  const whole = await askWhole(target, body, off)
  const streamed = await askStreamed(target, body, off)
  expectWeatherCall(whole)
  expectWeatherCall(streamed)
  expect(argumentsOf(streamed)).toBe(argumentsOf(whole))
  // How much of the prompt a pool had still in its memory is its own affair.
  const { prompt_tokens_details: _, ...counts } = whole.usage ?? {}
  expect(streamed.usage).toMatchObject(counts)
  expect(whole.usage?.completion_tokens).toBeGreaterThan(5)
})

test.each([
  { what: 'forbidden', fields: { tool_choice: 'none' } },
  { what: 'not called for', fields: { content: anew('Tell me a story'), tool_choice: 'auto' } },
])('a call that is $what is not made: the answer is text', async ({ fields }) => {
  const { choices } = await askWhole(target, calling(target, { ...fields, max_tokens: 20 }))
  expect(choices).toMatchObject([{ finish: 'length', calls: [], content: expect.stringMatching(/\w/) }])
})

test('a streamed call begins with its id and name, which come once, and goes on with its arguments', async () => {
  const { chunks } = await askStreamed(target, calling(target))
  expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
  const [first, ...others] = chunks.flatMap(callsOf)
  expect(first).toMatchObject({
    index: 0,
    id: expect.stringMatching(/./),
    type: 'function',
    function: { name: 'get_weather' },
  })
  expect(others.length).toBeGreaterThan(3)
  for (const { index, id, function: called } of others) {
    expect([index, id ?? null, called?.name ?? null]).toEqual([0, null, null])
    expect(called?.arguments).toEqual(expect.any(String))
  }
  expect(chunks.filter(({ choices }) => choices[0]?.delta.content)).toEqual([])
  const reasons = chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])
  expect(reasons).toEqual(['tool_calls'])
  expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('tool_calls')
  expect(chunks.at(-1)?.choices).toEqual([])
})

test.each(PAIRS)('a call made %s is found %s: the same call, counts included', async (first, second) => {
  const body = calling(target)
  const made = await WAYS[first](target, body)
  const found = await WAYS[second](target, body)
  expectWeatherCall(made)
  expect([made.cache, found.cache]).toEqual(['miss', 'hit'])
  expect(found.choices).toEqual(made.choices)
  expect(found.usage).toEqual(made.usage)
  expect(found.id).not.toBe(made.id)
})

test('a call from the cache comes in the chunks in which it was made, under an id of its own', async () => {
  const body = calling(target)
  const made = await askStreamed(target, body)
  const found = await askStreamed(target, body)
  const bare = ({ id: _id, created: _created, ...members }: ChatCompletionChunk) => members
  expect(found.cache).toBe('hit')
  expect(found.chunks.map(bare)).toEqual(made.chunks.map(bare))
  expect(new Set(found.chunks.map(({ id }) => id))).toEqual(new Set([found.id]))
})

test.each([
  { what: 'another choice of tool', fields: { tool_choice: 'required' }, word: 'miss' },
  { what: 'the tools in another order', fields: { tools: [TIME, WEATHER] }, word: 'miss' },
  { what: 'a tool less', fields: { tools: [WEATHER] }, word: 'miss' },
  {
    what: 'another description',
    fields: { tools: [{ ...WEATHER, function: { ...WEATHER.function, description: 'Rain?' } }, TIME] },
    word: 'miss',
  },
  {
    what: 'the members of a tool in another order',
    fields: { tools: [reversed(WEATHER), TIME] },
    word: 'hit',
  },
  { what: 'nulls', fields: { response_format: null, parallel_tool_calls: null }, word: 'hit' },
])('the same question with $what is a $word', async ({ fields, word }) => {
  const body = calling(target)
  await askWhole(target, body)
  expect((await askWhole(target, question(target, { ...body, ...fields }))).cache).toBe(word)
})

test.each(['streamed', 'whole'] as const)(
  'a call that the token limit cuts ends with length, its arguments as far as they came (%s)',
  async (way) => {
    const body = calling(target)
    const uncut = await askWhole(target, body)
    const cut = await WAYS[way](target, question(target, { ...body, max_tokens: 4 }))
    expect(cut.cache).toBe('miss')
    expect(cut.choices[0]?.finish).toBe('length')
    expect(cut.choices[0]?.calls[0]?.name).toBe('get_weather')
    expect(argumentsOf(cut).length).toBeGreaterThan(0)
    expect(argumentsOf(cut).length).toBeLessThan(argumentsOf(uncut).length)
    expect(argumentsOf(uncut).startsWith(argumentsOf(cut))).toBe(true)
    expect(cut.usage?.completion_tokens).toBe(4)
  },
)

const tool = (changes: Readonly<Record<string, unknown>>) => ({
  type: 'function',
  function: { ...WEATHER.function, ...changes },
})
test.each([
  { what: 'no tools at all', fields: { tools: [] }, param: 'tools' },
  { what: '129 tools', fields: { tools: Array.from({ length: 129 }, () => WEATHER) }, param: 'tools' },
  {
    what: 'a name with a blank',
    fields: { tools: [tool({ name: 'get weather' })] },
    param: 'tools[0].function.name',
  },
  {
    what: 'parameters that are too large',
    fields: { tools: [TIME, tool({ parameters: { type: 'object', title: 'x'.repeat(65_536) } })] },
    param: 'tools[1].function.parameters',
  },
  {
    what: 'a tool of another kind',
    fields: { tools: [{ type: 'custom', custom: { name: 'x' } }] },
    param: 'tools[0].type',
  },
  { what: 'a choice that is none', fields: { tool_choice: 'maybe' }, param: 'tool_choice' },
])('$what is refused by its place, before any pool is asked', async ({ fields, param }) => {
  const failure: unknown = await askWhole(target, calling(target, fields)).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(BadRequestError)
  expect(failure).toMatchObject({ status: 400, code: 'invalid_parameter', param })
})

test('a choice of a tool that was not offered is refused', async () => {
  const absent = { type: 'function', function: { name: 'get_news' } }
  await expect(askWhole(target, calling(target, { tool_choice: absent }))).rejects.toMatchObject({
    status: 400,
    code: 'pool_rejected_request',
  })
})

describeOwn('a pool that dies within a call', () => {
  let own: OwnTarget
  beforeAll(async () => {
    own = await openOwnTarget({ engine: { interTokenLatencyMs: 5 } })
  })
  afterAll(() => own.stop())

  test.each(['shared', 'private'])('ends the stream with an error and keeps nothing (%s)', async (path) => {
    const body = { ...calling(target), model: own.model }
    const headers = path === 'private' ? { 'x-mesh-cache': 'off' } : {}
    const engines = Object.values(own.mesh.engines)
    engines.forEach((engine) => engine.setFaults({ die_after_tokens: 4 }))
    const stream = await openAi(own).chat.completions.create({ ...body, stream: true }, { headers })
    const chunks: ChatCompletionChunk[] = []
    const failure: unknown = await (async () => {
      for await (const chunk of stream) chunks.push(chunk)
    })().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(APIError)
    expect(failure).toMatchObject({ code: 'stream_truncated' })
    expect(chunks.flatMap(callsOf).length).toBeGreaterThan(0)
    expect(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])).toEqual([])
    engines.forEach((engine) => engine.clearFaults())
    await expect.poll(() => cacheWord(own, body), { timeout: 10_000 }).toBe('miss')
  })
})

/** The same object with its members, and theirs, in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  )
}
