/** JSON mode and JSON schemas as the real `openai` package asks for them, parses them and is refused them. */
import { BadRequestError } from 'openai'
import { LengthFinishReasonError } from 'openai/error'
import { zodResponseFormat } from 'openai/helpers/zod'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { anew, question, type Fields } from './ask.ts'
import { askStreamed, askWhole, cacheWord, PAIRS, WAYS } from './both-ways.ts'
import {
  describeOwn,
  openAi,
  openOwnTarget,
  openTarget,
  recordingFetch,
  type OwnTarget,
  type Target,
} from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

const ENOUGH_TOKENS = 1000
/** `limits.max_depth`, where the config says nothing. */
const MAX_DEPTH = 32
/** The body, its format and what that says of the schema. */
const LEVELS_ABOVE_SCHEMA = 3
const MAX_SCHEMA_CHARACTERS = 65_536

const Journey = z.strictObject({
  title: z.string().max(60),
  nights: z.int().min(1).max(30),
  isByTrain: z.boolean(),
  mood: z.enum(['calm', 'wild', 'merry']),
  stops: z
    .array(z.strictObject({ place: z.string().max(40), note: z.string().max(60).nullable() }))
    .min(1)
    .max(4),
})
const JOURNEY = zodResponseFormat(Journey, 'journey')
const JSON_OBJECT = { type: 'json_object' } as const
const FORMATS = { json_object: JSON_OBJECT, json_schema: JOURNEY } as const

function asking(fields: Fields = {}) {
  const content = anew('Plan a journey. Answer in JSON.')
  return question(target, { content, temperature: 0, max_tokens: ENOUGH_TOKENS, ...fields })
}

const schemaOf = (schema: object) => ({ type: 'json_schema', json_schema: { name: 'plan', schema } })

test.each(['streamed', 'whole'] as const)(
  'JSON mode gives one object and ends by itself (%s)',
  async (way) => {
    const { choices } = await WAYS[way](target, asking({ response_format: JSON_OBJECT }))
    expect(choices).toMatchObject([{ finish: 'stop', calls: [] }])
    expect(z.record(z.string(), z.unknown()).safeParse(JSON.parse(choices[0]?.content ?? '')).error).toBe(
      undefined,
    )
  },
)

test.each(['streamed', 'whole'] as const)(
  'a schema gives what fits it and ends by itself (%s)',
  async (way) => {
    const { choices, chunks } = await WAYS[way](target, asking({ response_format: JOURNEY }))
    expect(choices).toMatchObject([{ finish: 'stop', calls: [] }])
    expect(Journey.safeParse(JSON.parse(choices[0]?.content ?? '')).error).toBeUndefined()
    if (way === 'streamed') expect(chunks.length).toBeGreaterThan(10)
  },
)

test('parse() and the stream helper give the same object, of the schema’s own type', async () => {
  const { completions } = openAi(target).chat
  const body = { ...asking(), response_format: JOURNEY }
  const parsed = await completions.parse(body)
  const journey = parsed.choices[0]?.message.parsed
  expect(Journey.safeParse(journey).error).toBeUndefined()
  expect(parsed.choices[0]?.message.refusal ?? null).toBeNull()

  const again = await completions.parse(body).withResponse()
  expect(again.response.headers.get('x-mesh-cache')).toBe('hit')
  expect(again.data.choices[0]?.message.parsed).toEqual(journey)

  const runner = completions.stream(body)
  let grown = 0
  runner.on('content.delta', ({ parsed: partial }) => {
    if (typeof partial === 'object' && partial !== null) grown += 1
  })
  const streamed = await runner.finalChatCompletion()
  expect(streamed.choices[0]?.message.parsed).toEqual(journey)
  expect(grown).toBeGreaterThan(5)
})

test('JSON that the token limit cuts is told by its reason, and parse() throws the SDK’s own error', async () => {
  const body = asking({ response_format: JOURNEY, max_tokens: 8 })
  const { choices, usage } = await askWhole(target, body)
  expect(choices).toMatchObject([{ finish: 'length', content: expect.stringMatching(/^\{/) }])
  expect(usage?.completion_tokens).toBe(8)
  const { completions } = openAi(target).chat
  await expect(completions.parse({ ...body, response_format: JOURNEY })).rejects.toBeInstanceOf(
    LengthFinishReasonError,
  )
})

const EVERY_WAY = Object.entries(FORMATS).flatMap(([format, responseFormat]) =>
  PAIRS.map(([first, second]) => ({ format, responseFormat, first, second })),
)
test.each(EVERY_WAY)('$format made $first is found $second: the same text', async (pair) => {
  const body = asking({ response_format: pair.responseFormat })
  const made = await WAYS[pair.first](target, body)
  const found = await WAYS[pair.second](target, body)
  expect([made.cache, found.cache]).toEqual(['miss', 'hit'])
  expect(made.choices[0]?.content).toMatch(/^\{.+\}$/s)
  expect(found.choices).toEqual(made.choices)
  expect(found.usage).toEqual(made.usage)
})

test('JSON from the cache comes in the chunks in which it was made', async () => {
  const body = asking({ response_format: JOURNEY })
  const made = await askStreamed(target, body)
  const found = await askStreamed(target, body)
  const bare = ({ choices, usage }: ChatCompletionChunk) => ({ choices, usage })
  expect(found.cache).toBe('hit')
  expect(found.chunks.map(bare)).toEqual(made.chunks.map(bare))
})

const PLAN = {
  type: 'object',
  properties: { a: { type: 'integer', minimum: 0 }, b: { enum: ['x', 'y'] } },
  required: ['a', 'b'],
} as const
const PLAN_TURNED = {
  required: ['a', 'b'],
  properties: { b: { enum: ['x', 'y'] }, a: { minimum: 0, type: 'integer' } },
  type: 'object',
}
test.each([
  { what: 'the same members in another order', schema: PLAN_TURNED, word: 'hit' },
  { what: 'a list in another order', schema: { ...PLAN, required: ['b', 'a'] }, word: 'miss' },
  {
    what: 'another bound',
    schema: { ...PLAN, properties: { ...PLAN.properties, a: { type: 'integer', minimum: 1 } } },
    word: 'miss',
  },
])('a schema with $what is a $word', async ({ schema, word }) => {
  const body = asking({ response_format: schemaOf(PLAN) })
  await askWhole(target, body)
  const other = question(target, { ...body, response_format: schemaOf(schema) })
  expect((await askWhole(target, other)).cache).toBe(word)
})

test.each([
  { what: 'no format', fields: { response_format: null } },
  { what: 'JSON mode', fields: { response_format: JSON_OBJECT } },
  { what: 'a schema that is not strict', fields: { response_format: schemaOf(PLAN) } },
])('$what finds nothing that a strict schema made', async ({ fields }) => {
  const strict = { name: 'plan', schema: PLAN, strict: true }
  const body = asking({ response_format: { type: 'json_schema', json_schema: strict } })
  await askWhole(target, body)
  expect((await askWhole(target, question(target, { ...body, ...fields }))).cache).toBe('miss')
})

/** A schema with as many levels of objects as given, itself included; lists of one, so that its values stay small. */
function nested(levels: number): object {
  if (levels === 1) return { type: 'integer', minimum: 0 }
  return { type: 'array', minItems: 1, maxItems: 1, items: nested(levels - 1) }
}
const DEEPEST = MAX_DEPTH - LEVELS_ABOVE_SCHEMA
const LARGEST = { type: 'object', title: '' }
const ROOM = MAX_SCHEMA_CHARACTERS - JSON.stringify(LARGEST).length

test.each([
  {
    what: 'too large',
    format: schemaOf({ ...LARGEST, title: 'x'.repeat(ROOM + 1) }),
    error: { code: 'invalid_parameter', param: 'response_format.json_schema.schema' },
  },
  {
    what: 'too deep',
    format: schemaOf(nested(DEEPEST + 1)),
    error: { code: 'body_too_deep', param: null },
  },
  {
    what: 'no object',
    format: schemaOf([]),
    error: { code: 'invalid_parameter', param: 'response_format.json_schema.schema' },
  },
  {
    what: 'without a name',
    format: { type: 'json_schema', json_schema: { schema: PLAN } },
    error: { code: 'missing_parameter', param: 'response_format.json_schema.name' },
  },
  {
    what: 'under a name with a blank',
    format: { type: 'json_schema', json_schema: { name: 'my plan', schema: PLAN } },
    error: { code: 'invalid_parameter', param: 'response_format.json_schema.name' },
  },
  {
    what: 'beside what is no part of it',
    format: { type: 'json_schema', json_schema: { name: 'plan', schema: PLAN, grammar: 'x' } },
    error: { code: 'unsupported_parameter' },
  },
  {
    what: 'of a kind that there is not',
    format: { type: 'xml' },
    error: { code: 'invalid_parameter', param: 'response_format.type' },
  },
])('a schema that is $what is refused with a code and its place, once', async ({ format, error }) => {
  const recorded = recordingFetch()
  const client = openAi(target, { maxRetries: 2, fetch: recorded.fetch })
  const failure: unknown = await client.chat.completions
    .create(asking({ response_format: format }))
    .catch((thrown: unknown) => thrown)
  expect(failure).toBeInstanceOf(BadRequestError)
  expect(failure).toMatchObject({ status: 400, type: 'invalid_request_error', ...error })
  expect(recorded.exchanges).toHaveLength(1)
})

test.each([
  ['largest size', { ...LARGEST, title: 'x'.repeat(ROOM) }],
  ['greatest depth', nested(DEEPEST)],
])('a schema of just the %s is taken', async (_what, schema) => {
  const { choices } = await askWhole(target, asking({ response_format: schemaOf(schema) }))
  expect(choices).toMatchObject([{ finish: 'stop', content: expect.stringMatching(/^[{[]/) }])
})

describeOwn('a pool that dies within JSON', () => {
  let own: OwnTarget
  beforeAll(async () => {
    own = await openOwnTarget({ engine: { interTokenLatencyMs: 5 } })
  })
  afterAll(() => own.stop())

  test.each(['streamed', 'whole'] as const)('is an error, never half an object (%s)', async (way) => {
    const body = { ...asking({ response_format: JOURNEY }), model: own.model }
    const engines = Object.values(own.mesh.engines)
    engines.forEach((engine) => engine.setFaults({ die_after_tokens: 6 }))
    await expect(WAYS[way](own, body)).rejects.toMatchObject({ code: 'stream_truncated' })
    engines.forEach((engine) => engine.clearFaults())
    await expect.poll(() => cacheWord(own, body), { timeout: 10_000 }).toBe('miss')
  })
})
