import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { logprobsOf } from '../../../../tools/local/engine/logprobs.ts'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { encode, tokenText } from '../../../../tools/local/engine/tokenizer.ts'
import { joinedLogprobs, stream, whole } from './client.ts'

const CHAT = '/v1/chat/completions'
const COMPLETIONS = '/v1/completions'
const QUESTION = { messages: [{ role: 'user', content: 'Tell me about the sea.' }], temperature: 0 }
const BEGINNING = { prompt: 'Once upon a time', temperature: 0, max_tokens: 60 }

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({ model: 'sim' })
})
afterAll(() => engine.close())

interface ChatToken {
  readonly token: string
  readonly logprob: number
  readonly bytes: readonly number[]
  readonly top_logprobs: readonly ChatToken[]
}

async function chatTokens(body: object): Promise<ChatToken[]> {
  const answer = await whole(engine, CHAT, { ...QUESTION, ...body })
  // The shape is what these tests check.
  return (answer.choices[0]?.logprobs?.['content'] ?? []) as ChatToken[]
}

const words = fc
  .constantFrom(' The', ' the', ' harbo', ' lante', 'rn', '.', ' —', '🌊', ' 1907')
  .map((text) => encode(text)[0] ?? 0)
const drawn = fc.record({
  token: words,
  likeliest: words,
  isOpen: fc.boolean(),
  place: fc.record({ high: fc.integer(), low: fc.integer() }),
})

describe('log probabilities', () => {
  test('fall with the rank, add up to at most one, and name no token twice', () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: 0, max: 20 }), (token, count) => {
        const { logprob, top } = logprobsOf(token, count)
        expect(top.length).toBe(count)
        const chances = top.map((ranked) => Math.exp(ranked.logprob))
        expect(chances).toEqual(chances.toSorted((left, right) => right - left))
        expect(new Set(chances).size).toBe(count)
        expect(chances.reduce((sum, chance) => sum + chance, 0)).toBeLessThanOrEqual(1)
        expect(new Set(top.map((ranked) => tokenText(ranked.token))).size).toBe(count)
        expect(Number.isFinite(logprob) && logprob < 0).toBe(true)
        const own = top.find((ranked) => ranked.token === token.token)
        if (own !== undefined) expect(own.logprob).toBe(logprob)
        if (count > 0 && token.token === token.likeliest) expect(top[0]?.token).toBe(token.token)
      }),
      // Often enough for a sampled word to be among the alternatives as well.
      { numRuns: 1_000 },
    )
  })

  test('name the same tokens first, whatever number of them is asked for', () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: 0, max: 20 }), (token, count) => {
        expect(logprobsOf(token, count).top).toEqual(logprobsOf(token, 20).top.slice(0, count))
      }),
    )
  })
})

describe('log probabilities of a chat', () => {
  test('stand with every token, whose texts and bytes join to the answer', async () => {
    const answer = await whole(engine, CHAT, { ...QUESTION, logprobs: true, top_logprobs: 3 })
    const tokens = await chatTokens({ logprobs: true, top_logprobs: 3 })
    expect(tokens.length).toBe(answer.usage.completion_tokens)
    const content = answer.choices[0]?.message?.content
    expect(tokens.map(({ token }) => token).join('')).toBe(content)
    expect(Buffer.from(tokens.flatMap(({ bytes }) => bytes)).toString()).toBe(content)
  })

  test('name at temperature 0 the token itself as the likeliest', async () => {
    for (const { top_logprobs: top, ...own } of await chatTokens({ logprobs: true, top_logprobs: 5 })) {
      expect(top.length).toBe(5)
      expect(top[0]).toEqual(own)
    }
  })

  test('name above it another one where a word was sampled', async () => {
    const tokens = await chatTokens({ logprobs: true, top_logprobs: 20, temperature: 1, seed: 3 })
    const sampled = tokens.filter(({ token, top_logprobs: top }) => top[0]?.token !== token)
    expect(sampled.length).toBeGreaterThan(0)
    for (const { token, logprob, top_logprobs: top } of sampled) {
      expect(top.find((ranked) => ranked.token === token)?.logprob).toBe(logprob)
    }
  })

  test('have empty lists of others without top_logprobs, and are null when not asked for', async () => {
    const tokens = await chatTokens({ logprobs: true, max_tokens: 3 })
    expect(tokens.map(({ top_logprobs: top }) => top)).toEqual([[], [], []])
    for (const body of [QUESTION, { ...QUESTION, logprobs: false, top_logprobs: 0 }]) {
      expect((await whole(engine, CHAT, body)).choices[0]?.logprobs).toBe(null)
    }
  })

  test.each([
    ['greedy', {}],
    ['sampled', { temperature: 1, seed: 7 }],
    ['cut by a stop string that held text back', { stop: ['the '] }],
    ['of several choices', { n: 3 }],
    ['of JSON', { response_format: { type: 'json_object' } }],
  ])('join over chunks to those of the whole answer: %s', async (_, more) => {
    const body = { ...QUESTION, logprobs: true, top_logprobs: 2, ...more }
    const answer = await whole(engine, CHAT, body)
    const chunks = await stream(engine, CHAT, body)
    for (const { index, logprobs } of answer.choices) {
      expect(joinedLogprobs(chunks, index)).toEqual(logprobs)
      expect(logprobs?.['content']?.length).toBeGreaterThan(0)
    }
  })
})

describe('log probabilities of a completion', () => {
  test('are four lists as long as the answer has tokens, with offsets into it', async () => {
    const answer = await whole(engine, COMPLETIONS, { ...BEGINNING, logprobs: 2 })
    const {
      tokens = [],
      token_logprobs: own = [],
      top_logprobs: top = [],
      text_offset: offsets = [],
    } = answer.choices[0]?.logprobs ?? {}
    const text = Array.from(answer.choices[0]?.text ?? '')
    expect(tokens.join('')).toBe(text.join(''))
    expect([own.length, top.length, offsets.length]).toEqual([60, 60, 60])
    tokens.forEach((token, at) => {
      const from = Number(offsets[at])
      expect(text.slice(from, from + Array.from(String(token)).length).join('')).toBe(token)
      expect(Object.entries(Object(top[at]))[0]).toEqual([token, own[at]])
      expect(Object.keys(Object(top[at])).length).toBe(2)
    })
  })

  test.each([
    [0, 1],
    [1, 1],
    [5, 5],
  ])('for %i likely tokens name the drawn one too', async (logprobs, named) => {
    const { choices } = await whole(engine, COMPLETIONS, { ...BEGINNING, logprobs })
    const { tokens = [], top_logprobs: top = [] } = choices[0]?.logprobs ?? {}
    tokens.forEach((token, at) => {
      expect(Object.keys(Object(top[at]))).toContain(token)
      expect(Object.keys(Object(top[at])).length).toBe(named)
    })
  })

  test.each([
    ['greedy', {}],
    ['sampled', { temperature: 1, seed: 7 }],
    ['with a stop string', { stop: ['the '] }],
    ['several choices', { n: 2 }],
  ])('join over chunks to those of the whole answer: %s', async (_, more) => {
    const body = { ...BEGINNING, logprobs: 3, ...more }
    const answer = await whole(engine, COMPLETIONS, body)
    const chunks = await stream(engine, COMPLETIONS, body)
    for (const { index, logprobs } of answer.choices) expect(joinedLogprobs(chunks, index)).toEqual(logprobs)
  })
})
