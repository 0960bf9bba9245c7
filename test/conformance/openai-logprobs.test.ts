/** Log probabilities as the real `openai` package asks for them and reads them, on both surfaces. */
import { BadRequestError } from 'openai'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anew, question, type Fields } from './ask.ts'
import { askStreamed, askWhole, PAIRS, WAYS, type Answered } from './both-ways.ts'
import { COMPLETE, completion } from './completions-both-ways.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

// Long enough for words beyond ASCII, and for tokens that are less than a character.
const TOKENS = 120

function asking(fields: Fields = {}) {
  const content = anew('Über Café, 東京 und 🌊')
  const limited = { temperature: 0, max_tokens: TOKENS, min_tokens: TOKENS }
  return question(target, { content, ...limited, logprobs: true, top_logprobs: 3, ...fields })
}

const tokensOf = ({ choices }: Answered) => choices[0]?.logprobs?.content ?? []

test.each(['streamed', 'whole'] as const)(
  'every token of a chat has its probability, its bytes and the likeliest others (%s)',
  async (way) => {
    const answer = await WAYS[way](target, asking())
    const tokens = tokensOf(answer)
    expect(tokens).toHaveLength(TOKENS)
    expect(answer.usage?.completion_tokens).toBe(TOKENS)
    expect(tokens.map(({ token }) => token).join('')).toBe(answer.choices[0]?.content)
    for (const { token, logprob, bytes, top_logprobs: top } of tokens) {
      expect(logprob).toBeLessThanOrEqual(0)
      expect(Array.isArray(bytes)).toBe(true)
      expect(top).toHaveLength(3)
      // Greedy: what was drawn is the likeliest, and the others come in order.
      expect(top[0]).toMatchObject({ token, logprob })
      expect(top.map((other) => other.logprob)).toEqual(
        top.map((other) => other.logprob).toSorted((a, b) => b - a),
      )
    }
  },
)

test('a chat without top_logprobs has the drawn tokens only', async () => {
  const tokens = tokensOf(await askWhole(target, asking({ top_logprobs: null })))
  expect(tokens).toHaveLength(TOKENS)
  expect(tokens.filter(({ top_logprobs: top }) => top.length > 0)).toEqual([])
})

test.each(['streamed', 'whole'] as const)('a chat that did not ask for them has none (%s)', async (way) => {
  const { choices, chunks } = await WAYS[way](target, asking({ logprobs: null, top_logprobs: null }))
  expect(choices[0]?.logprobs).toBeNull()
  expect(chunks.flatMap((chunk) => chunk.choices.filter(({ logprobs }) => logprobs))).toEqual([])
})

test.each(['shared', 'private'])('a chat has the same ones streamed or not (%s)', async (path) => {
  const headers = path === 'private' ? { 'x-mesh-cache': 'off' } : {}
  const body = asking()
  const streamed = await askStreamed(target, body, headers)
  const whole = await askWhole(target, body, headers)
  expect(streamed.choices).toEqual(whole.choices)
  expect(tokensOf(streamed)).toHaveLength(TOKENS)
})

test('the events of a stream have the probabilities of their own text', async () => {
  const { chunks } = await askStreamed(target, asking())
  const said = chunks.flatMap(({ choices }) => choices.filter(({ delta }) => delta.content))
  expect(said.length).toBeGreaterThan(20)
  for (const { delta, logprobs } of said) {
    expect(logprobs?.content?.map(({ token }) => token).join('')).toBe(delta.content)
  }
})

test.each(PAIRS)('a chat made %s is found %s with the very same numbers', async (first, second) => {
  const body = asking()
  const made = await WAYS[first](target, body)
  const found = await WAYS[second](target, body)
  expect([made.cache, found.cache]).toEqual(['miss', 'hit'])
  expect(tokensOf(made)).toHaveLength(TOKENS)
  expect(found.choices).toEqual(made.choices)
  expect(found.usage).toEqual(made.usage)
})

test('a stream from the cache has them in the chunks in which they were made', async () => {
  const body = asking()
  const made = await askStreamed(target, body)
  const found = await askStreamed(target, body)
  const bare = ({ choices, usage }: ChatCompletionChunk) => ({ choices, usage })
  expect(found.cache).toBe('hit')
  expect(found.chunks.map(bare)).toEqual(made.chunks.map(bare))
})

test.each([
  { what: 'none', fields: { logprobs: null, top_logprobs: null } },
  { what: 'fewer', fields: { top_logprobs: 2 } },
  { what: 'more', fields: { top_logprobs: 4 } },
])('who asks for $what does not find what was made with three', async ({ fields }) => {
  const body = asking()
  await askWhole(target, body)
  const other = await askWhole(target, question(target, { ...body, ...fields }))
  expect(other.cache).toBe('miss')
  expect(tokensOf(other)[0]?.top_logprobs.length).toBe(fields.top_logprobs ?? undefined)
})

test('two choices have each their own', async () => {
  const { choices } = await askStreamed(target, asking({ n: 2, seed: 3, temperature: 1, min_tokens: null }))
  expect(choices).toHaveLength(2)
  for (const { content, logprobs } of choices) {
    expect(logprobs?.content?.map(({ token }) => token).join('')).toBe(content)
  }
})

const COMPLETED_TOKENS = 60

function completing(logprobs: number | null = 2) {
  return completion(target, { temperature: 0, max_tokens: COMPLETED_TOKENS, logprobs })
}

test.each(['streamed', 'whole'] as const)(
  'every token of a completion has its probability, its place and the likeliest others (%s)',
  async (way) => {
    const { choices } = await COMPLETE[way](target, completing())
    const { text = '', logprobs } = choices[0] ?? {}
    const {
      tokens = [],
      token_logprobs: chances = [],
      text_offset: offsets = [],
      top_logprobs: top = [],
    } = logprobs ?? {}
    expect([tokens.length, chances.length, offsets.length, top.length]).toEqual(
      Array(4).fill(COMPLETED_TOKENS),
    )
    expect(tokens.join('')).toBe(text)
    const characters = Array.from(text)
    tokens.forEach((token, at) => {
      const start = offsets[at] ?? -1
      expect(characters.slice(start, start + Array.from(token).length).join('')).toBe(token)
      expect(Object.keys(top[at] ?? {})).toHaveLength(2)
      expect(top[at]?.[token]).toBe(chances[at])
    })
  },
)

test.each(['shared', 'private'])('a completion has the same ones streamed or not (%s)', async (path) => {
  const headers = path === 'private' ? { 'x-mesh-cache': 'off' } : {}
  const body = completing()
  const streamed = await COMPLETE.streamed(target, body, headers)
  const whole = await COMPLETE.whole(target, body, headers)
  expect(streamed.choices).toEqual(whole.choices)
  expect(whole.choices[0]?.logprobs?.tokens).toHaveLength(COMPLETED_TOKENS)
})

test.each(PAIRS)('a completion made %s is found %s with the very same numbers', async (first, second) => {
  const body = completing()
  const made = await COMPLETE[first](target, body)
  const found = await COMPLETE[second](target, body)
  expect(made.cache).toBe('miss')
  expect(made.choices[0]?.logprobs?.tokens).toHaveLength(COMPLETED_TOKENS)
  expect(found).toEqual({ ...made, cache: 'hit' })
})

test('a completion with logprobs 0 has the drawn tokens only, and is not one without', async () => {
  const body = completing(0)
  const { choices } = await COMPLETE.whole(target, body)
  const { tokens = [], top_logprobs: top = [] } = choices[0]?.logprobs ?? {}
  expect(tokens).toHaveLength(COMPLETED_TOKENS)
  expect(top.map((likeliest) => Object.keys(likeliest))).toEqual(tokens.map((token) => [token]))
  const without = await COMPLETE.whole(target, { ...body, logprobs: null })
  expect(without).toMatchObject({ choices: [{ logprobs: null }], cache: 'miss' })
})

test.each([
  { what: 'more than twenty others', fields: { top_logprobs: 21 }, param: 'top_logprobs' },
  { what: 'others less than none', fields: { top_logprobs: -1 }, param: 'top_logprobs' },
  { what: 'a number in place of yes', fields: { logprobs: 3 }, param: 'logprobs' },
])('$what is refused in a chat', async ({ fields, param }) => {
  const failure: unknown = await askWhole(target, asking(fields)).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(BadRequestError)
  expect(failure).toMatchObject({ status: 400, code: 'invalid_parameter', param })
})

test('others without the tokens themselves are refused', async () => {
  await expect(askWhole(target, asking({ logprobs: false }))).rejects.toMatchObject({
    status: 400,
    code: 'pool_rejected_request',
  })
})

test.each([6, -1, 2.5])('logprobs: %d is refused of a completion', async (logprobs) => {
  const failure: unknown = await COMPLETE.whole(target, completing(logprobs)).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(BadRequestError)
  expect(failure).toMatchObject({ status: 400, code: 'invalid_parameter', param: 'logprobs' })
})
