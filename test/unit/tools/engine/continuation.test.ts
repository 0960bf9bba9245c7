import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderChat } from '../../../../tools/local/engine/chat-template.ts'
import { seededRandom } from '../../../../tools/local/engine/random.ts'
import { createTokenSource } from '../../../../tools/local/engine/token-source.ts'
import { decode, encode, SPECIAL_TOKENS } from '../../../../tools/local/engine/tokenizer.ts'

interface Asked {
  readonly prompt: readonly number[]
  readonly mayEnd?: boolean
  readonly limit?: number
  readonly temperature?: number
  readonly seed?: number
  readonly model?: string
}

/** The tokens up to the turn's end, without it. */
function tokensOf(asked: Asked): number[] {
  const { prompt, mayEnd = true, limit = 400, temperature = 0, seed = 1, model = 'm' } = asked
  const source = createTokenSource({ model, prompt, temperature, random: seededRandom(seed) })
  const tokens: number[] = []
  while (tokens.length < limit) {
    const { token } = source.next(mayEnd)
    if (token === SPECIAL_TOKENS.endOfTurn) break
    tokens.push(token)
  }
  return tokens
}

function chat(user: string, partial?: string): number[] {
  const question = { role: 'user' as const, text: user }
  if (partial === undefined) {
    return renderChat({ messages: [question], addGenerationPrompt: true, continueFinalMessage: false })
  }
  const messages = [question, { role: 'assistant' as const, text: partial }]
  return renderChat({ messages, addGenerationPrompt: false, continueFinalMessage: true })
}

const prompts = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom('a', ' ', '\n', '.', 'The ', 'é', '🌊', 'harbour') }),
)

describe('a continued chat answer', () => {
  test('joins to the uninterrupted one from every token', () => {
    for (const user of ['Tell me about the sea.', 'Why?', '', 'Ein Hafen für dich 🌊']) {
      const tokens = tokensOf({ prompt: chat(user) })
      for (let cut = 0; cut <= tokens.length; cut += 1) {
        const partial = decode(tokens.slice(0, cut))
        // The tokens too: so counts add up, and the text's blocks are in the cache.
        expect(tokensOf({ prompt: chat(user, partial) })).toEqual(tokens.slice(cut))
      }
    }
  })

  test('joins from every character, inside words and between the halves of a surrogate pair', () => {
    const texts = ['Tell me about the sea.', 'Why?', 'More of it', 'ok'].map(
      (user) => [user, decode(tokensOf({ prompt: chat(user) }))] as const,
    )
    // Otherwise the test would not show what it says.
    expect(texts.some(([, text]) => /[\ud800-\udbff]/.test(text))).toBe(true)
    expect(texts.some(([, text]) => text.includes('—'))).toBe(true)
    for (const [user, text] of texts) {
      for (let cut = 0; cut <= text.length; cut += 1) {
        const rest = decode(tokensOf({ prompt: chat(user, text.slice(0, cut)) }))
        expect(text.slice(0, cut) + rest).toBe(text)
      }
    }
  })

  test('joins for any prompt, any cut, and a second cut after the first', () => {
    fc.assert(
      fc.property(prompts, fc.nat(), fc.nat(), (user, first, second) => {
        const text = decode(tokensOf({ prompt: chat(user) }))
        const cut = first % (text.length + 1)
        const rest = decode(tokensOf({ prompt: chat(user, text.slice(0, cut)), limit: 1 + (second % 50) }))
        const partial = text.slice(0, cut) + rest
        expect(text.startsWith(partial)).toBe(true)
        expect(partial + decode(tokensOf({ prompt: chat(user, partial) }))).toBe(text)
      }),
      { numRuns: 60 },
    )
  })

  test('joins past the turn’s end when ends are ignored, and begins like the answer that ended', () => {
    const ended = decode(tokensOf({ prompt: chat('Why?') }))
    const text = decode(tokensOf({ prompt: chat('Why?'), mayEnd: false }))
    expect(text.startsWith(ended)).toBe(true)
    expect(text.length).toBeGreaterThan(ended.length)
    for (let cut = 0; cut < text.length; cut += 7) {
      const partial = text.slice(0, cut)
      const limit = 400 - encode(partial).length
      const rest = decode(tokensOf({ prompt: chat('Why?', partial), mayEnd: false, limit }))
      expect(text.startsWith(partial + rest)).toBe(true)
    }
  })

  test('has nothing to add to a finished one', () => {
    const text = decode(tokensOf({ prompt: chat('Why?') }))
    expect(tokensOf({ prompt: chat('Why?', text) })).toEqual([])
  })
})

describe('a continued raw completion', () => {
  test('joins for any prompt and any cut, though nothing marks where the prompt ended', () => {
    fc.assert(
      fc.property(prompts, fc.nat(), (prompt, at) => {
        const text = decode(tokensOf({ prompt: encode(prompt) }))
        const cut = at % (text.length + 1)
        const rest = decode(tokensOf({ prompt: encode(prompt + text.slice(0, cut)) }))
        expect(text.slice(0, cut) + rest).toBe(text)
      }),
      { numRuns: 150 },
    )
  })

  test('joins when it is sent as token ids, with the chat’s template in them', () => {
    const prompt = chat('Tell me about the sea.')
    const tokens = tokensOf({ prompt })
    for (let cut = 0; cut <= tokens.length; cut += 1) {
      expect(tokensOf({ prompt: [...prompt, ...tokens.slice(0, cut)] })).toEqual(tokens.slice(cut))
    }
  })
})

describe('the language', () => {
  test('depends on every part of what stands before', () => {
    const answers = [
      tokensOf({ prompt: chat('Tell me about the sea.') }),
      tokensOf({ prompt: chat('Tell me about the sea!') }),
      tokensOf({ prompt: chat('tell me about the sea.') }),
      tokensOf({ prompt: chat('Tell me about the sea.'), model: 'another' }),
      tokensOf({ prompt: encode('Tell me about the sea.') }),
      tokensOf({
        prompt: renderChat({
          messages: [
            { role: 'system', text: '' },
            { role: 'user', text: 'Tell me about the sea.' },
          ],
          addGenerationPrompt: true,
          continueFinalMessage: false,
        }),
      }),
    ].map(decode)
    expect(new Set(answers).size).toBe(answers.length)
  })

  test('writes sentences of words', () => {
    const text = decode(tokensOf({ prompt: chat('Tell me about the sea.') }))
    expect(text).toMatch(/^\p{Lu}/u)
    expect(text).toMatch(/[.?]$/)
    for (const sentence of text.split(/(?<=[.?])\s+/))
      expect(sentence).toMatch(/^\p{Lu}[\p{L}\p{So}\d ,—]+[.?]$/u)
  })

  test('ends a turn by itself after 40 to 220 tokens, at lengths that differ', () => {
    const lengths = Array.from({ length: 300 }, (_, index) => [
      tokensOf({ prompt: chat(`question ${index}`) }).length,
      tokensOf({ prompt: encode(`Text ${index} begins`) }).length,
      tokensOf({ prompt: chat(`question ${index}`), temperature: 1, seed: index }).length,
      tokensOf({ prompt: encode(`Text ${index} begins`), temperature: 1, seed: index }).length,
    ]).flat()
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(40)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(220)
    expect(new Set(lengths).size).toBeGreaterThan(100)
  })

  test('repeats a sampled answer for the same seed, and differs for another seed', () => {
    const sample = (seed: number) => decode(tokensOf({ prompt: chat('Why?'), temperature: 1, seed }))
    expect(sample(7)).toBe(sample(7))
    expect(new Set([1, 2, 3, 4, 5].map(sample)).size).toBe(5)
  })

  test('deviates from the likeliest words the more the higher the temperature', () => {
    const greedy = tokensOf({ prompt: chat('Why?') })
    // The first word is told apart by the seed alone: count over many.
    const differing = (temperature: number) =>
      Array.from({ length: 200 }, (_, seed) =>
        tokensOf({ prompt: chat('Why?'), temperature, seed, limit: 20 }),
      ).filter((tokens) => tokens.some((token, index) => token !== greedy[index])).length
    expect(differing(0.05)).toBe(0)
    expect(differing(0.5)).toBeGreaterThan(40)
    expect(differing(2)).toBeGreaterThan(differing(0.5))
  })

  test('lets a sampled answer go its own way when it is continued, as real engines do', () => {
    const asked = { temperature: 1, seed: 3 }
    const tokens = tokensOf({ prompt: chat('Why?'), ...asked })
    const cuts = Array.from({ length: 30 }, (_, index) => index + 5)
    const same = cuts.filter((cut) => {
      const rest = tokensOf({ prompt: chat('Why?', decode(tokens.slice(0, cut))), ...asked })
      return decode(rest) === decode(tokens.slice(cut))
    })
    expect(same).toEqual([])
  })
})
