/** Several choices at once as the real `openai` package asks for them and reads them. */
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anew, question, type Fields } from './ask.ts'
import { askStreamed, askWhole, PAIRS, WAYS } from './both-ways.ts'
import { COMPLETE, completion } from './completions-both-ways.ts'
import { describeOwn, openAi, openOwnTarget, openTarget, type OwnTarget, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

// A seed, since vLLM gives greedy answers one choice only.
const SEEDED = { seed: 11, temperature: 1 } as const

function asking(fields: Fields = {}) {
  return question(target, {
    content: anew('Tell me two stories'),
    n: 2,
    max_tokens: 30,
    ...SEEDED,
    ...fields,
  })
}

test.each(['streamed', 'whole'] as const)(
  'two choices come in order, and say different things (%s)',
  async (way) => {
    const { choices } = await WAYS[way](target, asking())
    expect(choices).toMatchObject([
      { index: 0, finish: 'length', content: expect.stringMatching(/\w/) },
      { index: 1, finish: 'length', content: expect.stringMatching(/\w/) },
    ])
    expect(choices[0]?.content).not.toBe(choices[1]?.content)
  },
)

test.each(['shared', 'private'])('two choices are the same streamed or not (%s)', async (path) => {
  const headers = path === 'private' ? { 'x-mesh-cache': 'off' } : {}
  const body = asking({ max_tokens: 200 })
  const streamed = await askStreamed(target, body, headers)
  const whole = await askWhole(target, body, headers)
  expect(streamed.choices).toEqual(whole.choices)
  expect(streamed.usage?.completion_tokens).toBe(whole.usage?.completion_tokens)
})

test('the tokens of both choices are counted, and the prompt once', async () => {
  const content = anew('Count them')
  const one = await askWhole(target, asking({ content, n: 1 }))
  const two = await askWhole(target, asking({ content }))
  const promptTokens = one.usage?.prompt_tokens ?? 0
  expect(promptTokens).toBeGreaterThan(0)
  expect(one.usage).toMatchObject({ completion_tokens: 30, total_tokens: promptTokens + 30 })
  expect(two.usage).toMatchObject({
    prompt_tokens: promptTokens,
    completion_tokens: 60,
    total_tokens: promptTokens + 60,
  })
})

test('a stream gives each choice its role first, its text in order, one end, and nothing after it', async () => {
  const { chunks, choices } = await askStreamed(target, asking({ max_tokens: 200 }))
  for (const index of [0, 1]) {
    const own = chunks.flatMap((chunk) => chunk.choices.filter((choice) => choice.index === index))
    expect(own[0]?.delta.role).toBe('assistant')
    expect(own.slice(1).filter(({ delta }) => delta.role)).toEqual([])
    expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe(choices[index]?.content)
    expect(own.filter(({ finish_reason: reason }) => reason !== null)).toHaveLength(1)
    expect(own.at(-1)?.finish_reason).toBe(choices[index]?.finish)
  }
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } })
  expect(chunks.filter((chunk) => chunk.choices.length === 0)).toHaveLength(1)
  expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
})

test('the second choice does not wait for the end of the first', async () => {
  const { chunks } = await askStreamed(target, asking())
  const indexes = chunks.flatMap(({ choices }) => choices.map(({ index }) => index))
  const turns = indexes.filter((index, at) => index !== indexes[at - 1])
  expect(turns.length).toBeGreaterThan(10)
})

test.each(PAIRS)('two choices made %s are found %s: both the same', async (first, second) => {
  const body = asking({ max_tokens: 100 })
  const made = await WAYS[first](target, body)
  const found = await WAYS[second](target, body)
  expect([made.cache, found.cache]).toEqual(['miss', 'hit'])
  expect(made.choices).toHaveLength(2)
  expect(found.choices).toEqual(made.choices)
  expect(found.usage).toEqual(made.usage)
})

test('choices from the cache come interleaved as they were made', async () => {
  const body = asking()
  const made = await askStreamed(target, body)
  const found = await askStreamed(target, body)
  const bare = ({ choices, usage }: ChatCompletionChunk) => ({ choices, usage })
  expect(found.cache).toBe('hit')
  expect(found.chunks.map(bare)).toEqual(made.chunks.map(bare))
})

test.each([
  { what: 'three choices', fields: { n: 3 } },
  { what: 'one choice', fields: { n: 1 } },
  { what: 'another seed', fields: { seed: 12 } },
  { what: 'more tokens', fields: { max_tokens: 31 } },
  { what: 'fewer tokens', fields: { max_tokens: 29 } },
])('$what are not cut from two choices that are known', async ({ fields }) => {
  const body = asking()
  await askWhole(target, body)
  const other = await askWhole(target, question(target, { ...body, ...fields }))
  expect(other.cache).toBe('miss')
  expect(other.choices).toHaveLength(('n' in fields ? fields.n : undefined) ?? 2)
})

test('choices that end by themselves are whole and found again', async () => {
  const body = asking({ max_tokens: null })
  const made = await askWhole(target, body)
  expect(made.choices).toMatchObject([{ finish: 'stop' }, { finish: 'stop' }])
  const found = await askStreamed(target, body)
  expect(found.cache).toBe('hit')
  expect(found.choices).toEqual(made.choices)
})

test('the stream helper gives both choices at the end', async () => {
  const runner = openAi(target).chat.completions.stream(asking())
  const { choices } = await runner.finalChatCompletion()
  expect(choices.map(({ index, finish_reason: reason }) => [index, reason])).toEqual([
    [0, 'length'],
    [1, 'length'],
  ])
})

test('calls of two choices have ids of their own', async () => {
  const call = {
    name: 'find',
    parameters: { type: 'object', properties: { q: { type: 'string' } }, required: ['q'] },
  }
  const body = asking({
    tools: [{ type: 'function', function: call }],
    tool_choice: 'required',
    max_tokens: 400,
  })
  const whole = await askWhole(target, body)
  const streamed = await askStreamed(target, body)
  expect(whole.choices).toMatchObject([
    { finish: 'tool_calls', calls: [{ name: 'find' }] },
    { finish: 'tool_calls', calls: [{ name: 'find' }] },
  ])
  expect(new Set(whole.choices.map(({ calls }) => calls[0]?.id)).size).toBe(2)
  expect(streamed.cache).toBe('hit')
  expect(streamed.choices).toEqual(whole.choices)
})

const completing = () => completion(target, { n: 2, ...SEEDED })

test.each(PAIRS)('two completions made %s are found %s: both the same', async (first, second) => {
  const body = completing()
  const made = await COMPLETE[first](target, body)
  const found = await COMPLETE[second](target, body)
  const text: unknown = expect.stringMatching(/\w/)
  expect(made).toMatchObject({
    choices: [
      { text, finishes: ['length'] },
      { text, finishes: ['length'] },
    ],
    usage: { completion_tokens: 60 },
    cache: 'miss',
  })
  expect(made.choices[0]?.text).not.toBe(made.choices[1]?.text)
  expect(found).toEqual({ ...made, cache: 'hit' })
})

test('best_of says the same as n, or is refused', async () => {
  const body = completing()
  const made = await COMPLETE.whole(target, body)
  expect(await COMPLETE.whole(target, { ...body, best_of: 2 })).toEqual({ ...made, cache: 'hit' })
  await expect(COMPLETE.whole(target, { ...body, best_of: 3 })).rejects.toMatchObject({
    status: 400,
    code: 'invalid_parameter',
    param: 'best_of',
  })
})

test.each([9, 129, 0, -1, 1.5])('n: %d is refused on both surfaces', async (n) => {
  const refused = { status: 400, code: 'invalid_parameter', param: 'n', type: 'invalid_request_error' }
  await expect(askWhole(target, asking({ n }))).rejects.toMatchObject(refused)
  await expect(COMPLETE.whole(target, { ...completing(), n })).rejects.toMatchObject(refused)
})

test('as many choices as are allowed are answered', async () => {
  const { choices } = await askWhole(target, asking({ n: 8, max_tokens: 5 }))
  expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  expect(new Set(choices.map(({ finish }) => finish))).toEqual(new Set(['length']))
})

describeOwn('many who ask for the same choices', () => {
  let own: OwnTarget
  beforeAll(async () => {
    own = await openOwnTarget({ engine: { interTokenLatencyMs: 10 } })
  })
  afterAll(() => own.stop())

  test('get the same two from one generation, streamed and not', async () => {
    const body = { ...asking({ max_tokens: 60 }), model: own.model }
    const asked = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? askStreamed : askWhole)(own, body)),
    )
    const [first] = asked
    expect(first?.choices).toHaveLength(2)
    for (const { choices, usage } of asked) {
      expect(choices).toEqual(first?.choices)
      expect(usage).toEqual(first?.usage)
    }
    const generations = Object.values(own.mesh.engines).map((engine) => engine.stats().generations)
    expect(generations.reduce((sum, count) => sum + count, 0)).toBe(1)
  })

  test('get an error where the pool dies before both have ended, though one may have', async () => {
    const body = { ...asking({ max_tokens: null }), model: own.model }
    const whole = await askWhole(own, body)
    expect(whole.choices.map(({ finish }) => finish)).toEqual(['stop', 'stop'])
    const tokens = whole.usage?.completion_tokens ?? 0
    const engines = Object.values(own.mesh.engines)
    engines.forEach((engine) => engine.setFaults({ die_after_tokens: tokens - 1 }))
    await expect(askStreamed(own, body, { 'x-mesh-cache': 'off' })).rejects.toMatchObject({
      code: 'stream_truncated',
    })
    engines.forEach((engine) => engine.clearFaults())
  })
})
