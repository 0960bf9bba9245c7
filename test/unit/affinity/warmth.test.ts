import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anchorsOf } from '../../../shared/affinity/anchors.ts'
import { createWarmth } from '../../../shared/affinity/warmth.ts'
import { THETA_MS, dispatch, prompt, tokensAt } from './a-warmth.ts'
import { chat, completion, conversation, text } from './prompts.ts'

/** Shares half of `prompt(0)`: 1,024 tokens. */
const HALF = anchorsOf(completion(text(4096) + text(4096, 5_000_000)), 'seed')

describe('a belief', () => {
  test('is nothing where nothing was sent', () => {
    expect(createWarmth().believed(prompt(0), 'fra', { promptTokens: 2048, nowMs: 0 })).toEqual({
      tokens: 0,
      knownTokens: 0,
    })
  })

  test('is the whole of a prompt that was sent, from then on, at that pool only', () => {
    const warmth = createWarmth()
    warmth.note(prompt(0), 'fra', 500)
    expect(warmth.believed(prompt(0), 'fra', { promptTokens: 2048, nowMs: 500 })).toEqual({
      tokens: 2048,
      knownTokens: 2048,
      lastUsedMs: 500,
    })
    expect(tokensAt(warmth, prompt(0), 500, 'iad')).toBe(0)
    expect(tokensAt(warmth, prompt(1), 500)).toBe(0)
  })

  test('is the shared beginning of another prompt', () => {
    const warmth = createWarmth()
    warmth.note(HALF, 'fra', 500)
    expect(tokensAt(warmth, prompt(0), 500)).toBe(1024)
  })

  test('counts whole blocks of sixteen', () => {
    const warmth = createWarmth()
    warmth.note(prompt(0), 'fra', 0)
    const asked = { promptTokens: 2047, nowMs: 0 }
    expect(warmth.believed(prompt(0), 'fra', asked).tokens).toBe(2032)
    expect(warmth.believed(HALF, 'fra', asked).tokens).toBe(1008)
  })

  test.each<[string, number, number]>([
    ['a moment', 1, 2047],
    ['half of the retention', THETA_MS / 2, 1242],
    ['the retention', THETA_MS, 753],
    ['a day', 86_400_000, 0],
    ['a clock that stepped back', -5000, 2048],
  ])('fades with %s', (_name, afterMs, expected) => {
    const warmth = createWarmth()
    warmth.note(prompt(0), 'fra', 0)
    expect(tokensAt(warmth, prompt(0), afterMs)).toBe(expected)
  })

  test('fades by parts: a beginning that others use stays', () => {
    const warmth = createWarmth()
    warmth.note(prompt(0), 'fra', 0)
    warmth.note(HALF, 'fra', THETA_MS)
    // 1,024 in full and 1,024 × e⁻¹.
    const asked = { promptTokens: 2048, nowMs: THETA_MS }
    expect(warmth.believed(prompt(0), 'fra', asked)).toEqual({
      tokens: 1400,
      knownTokens: 2048,
      lastUsedMs: 0,
    })
  })

  test('does not fade by what was used within a longer conversation, at an end that is no anchor of that', () => {
    const messages = Array.from({ length: 20 }, (_, at) => ({ role: 'user', content: text(596, at * 1000) }))
    const upTo = (count: number) => anchorsOf(chat(messages.slice(0, count)), 'seed')
    const warmth = createWarmth()
    warmth.note(upTo(4), 'fra', 0)
    warmth.note(upTo(20), 'fra', THETA_MS)
    const asked = { promptTokens: 960, nowMs: THETA_MS }
    expect(warmth.believed(upTo(6), 'fra', asked).tokens).toBe(960)
  })

  test('is not made older by a note that comes late', () => {
    const warmth = createWarmth()
    warmth.note(prompt(0), 'fra', 5000)
    warmth.note(prompt(0), 'fra', 1000)
    expect(tokensAt(warmth, prompt(0), 5000)).toBe(2048)
  })
})

describe('a pool that has more than believed', () => {
  test('is believed to have as much of it as it said', () => {
    const warmth = createWarmth()
    const belief = { tokens: 0, knownTokens: 0 }
    const seen = { belief, promptTokens: 2048, askedAtMs: 0, nowMs: 1000 }
    warmth.corrected(prompt(0), 'fra', { ...seen, cachedTokens: 1100 })
    expect(tokensAt(warmth, prompt(0), 0)).toBe(1024)
  })

  test('is believed to keep it longer', () => {
    const warmth = createWarmth()
    for (let turn = 0; turn < 20; turn += 1) dispatch(warmth, prompt(1), turn * 1_200_000, 2048)
    const lastUsedMs = 19 * 1_200_000
    expect(tokensAt(warmth, prompt(1), lastUsedMs + THETA_MS)).toBeGreaterThan(1900)
  })

  test('is not believed again what was lost later', () => {
    const warmth = createWarmth()
    dispatch(warmth, prompt(1), 5000, 0)
    dispatch(warmth, prompt(1), 9000, 0)
    const belief = { tokens: 0, knownTokens: 0 }
    const seen = { belief, promptTokens: 2048, askedAtMs: 4000, nowMs: 9500 }
    warmth.corrected(prompt(2), 'fra', { ...seen, cachedTokens: 2048 })
    expect(tokensAt(warmth, prompt(2), 9500)).toBe(0)
  })
})

describe('bounds', () => {
  test('of thousands of prefixes those are forgotten that were used longest ago', () => {
    const warmth = createWarmth()
    for (let about = 0; about < 1500; about += 1) {
      warmth.note(prompt(about), 'fra', about)
      if (about % 500 === 0) warmth.note(prompt(0), 'fra', about)
    }
    expect(tokensAt(warmth, prompt(1), 1500)).toBe(0)
    expect(tokensAt(warmth, prompt(1499), 1500)).toBeGreaterThan(2000)
    expect(tokensAt(warmth, prompt(0), 1500)).toBeGreaterThan(2000)
  })

  test('of one prompt the deepest go first: others may begin like it', () => {
    const warmth = createWarmth()
    // Five each: of the first of 820, four have to go.
    for (let about = 0; about < 820; about += 1) warmth.note(prompt(about), 'fra', 0)
    expect(tokensAt(warmth, prompt(0), 0)).toBe(256)
    expect(tokensAt(warmth, HALF, 0)).toBe(256)
  })
})

describe('laws', () => {
  const step = fc.record({
    about: fc.nat(3),
    pool: fc.constantFrom('fra', 'iad'),
    afterMs: fc.nat(400_000),
    cachedTokens: fc.nat(2048),
  })

  test('whatever was seen, a belief is a whole number of tokens, at most what was known, at most the prompt', () => {
    fc.assert(
      fc.property(fc.array(step), fc.nat(10_000), (steps, promptTokens) => {
        const warmth = createWarmth()
        let nowMs = 0
        for (const { about, pool, afterMs, cachedTokens } of steps) {
          nowMs += afterMs
          dispatch(warmth, prompt(about), nowMs, cachedTokens, pool)
          const belief = warmth.believed(prompt(about), pool, { promptTokens, nowMs })
          expect(Number.isInteger(belief.tokens) && belief.tokens >= 0).toBe(true)
          expect(belief.tokens).toBeLessThanOrEqual(belief.knownTokens)
          expect(belief.knownTokens).toBeLessThanOrEqual(promptTokens)
        }
      }),
    )
  })

  test('after each dispatch that prompt is believed whole, however it was corrected', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), (steps) => {
        const warmth = createWarmth()
        let nowMs = 0
        for (const { about, pool, afterMs, cachedTokens } of steps) {
          nowMs += afterMs
          dispatch(warmth, prompt(about), nowMs, cachedTokens, pool)
          expect(tokensAt(warmth, prompt(about), nowMs, pool)).toBe(2048)
        }
      }),
    )
  })

  test('belief only fades while nothing happens', () => {
    fc.assert(
      fc.property(fc.array(step), fc.nat(1e7), fc.nat(1e7), (steps, sooner, later) => {
        const warmth = createWarmth()
        for (const { about, pool, cachedTokens } of steps)
          dispatch(warmth, prompt(about), 0, cachedTokens, pool)
        const [first, second] = [Math.min(sooner, later), Math.max(sooner, later)]
        expect(tokensAt(warmth, prompt(0), second)).toBeLessThanOrEqual(tokensAt(warmth, prompt(0), first))
      }),
    )
  })

  test('a conversation that goes on is believed warm up to where it was', () => {
    fc.assert(
      fc.property(conversation, conversation, (before, more) => {
        const after = more.slice(0, 15)
        const short = anchorsOf(chat(before), 'seed')
        const long = anchorsOf(chat([...before, ...after]), 'seed')
        const warmth = createWarmth()
        warmth.note(short, 'fra', 0)
        const { tokens } = warmth.believed(long, 'fra', { promptTokens: long.bytes, nowMs: 0 })
        expect(tokens).toBe(short.bytes < 512 ? 0 : Math.floor(short.bytes / 16) * 16)
      }),
    )
  })
})

describe('a prompt that was refused', () => {
  test('is not believed to be there', () => {
    const warmth = createWarmth()
    warmth.note(prompt(0), 'fra', 500)
    warmth.refused(prompt(0), 'fra', 500)
    expect(tokensAt(warmth, prompt(0), 600)).toBe(0)
  })

  test('leaves what another pool has', () => {
    const warmth = createWarmth()
    for (const pool of ['fra', 'iad']) warmth.note(prompt(0), pool, 500)
    warmth.refused(prompt(0), 'fra', 500)
    expect(tokensAt(warmth, prompt(0), 500, 'iad')).toBe(2048)
  })

  test('leaves what was computed before, and what was sent again since', () => {
    const warmth = createWarmth()
    dispatch(warmth, prompt(0), 0, 0)
    warmth.note(prompt(0), 'fra', 5000)
    warmth.refused(prompt(0), 'fra', 5000)
    expect(tokensAt(warmth, prompt(0), 5000)).toBe(2048)
    warmth.note(prompt(1), 'fra', 6000)
    warmth.note(prompt(1), 'fra', 7000)
    warmth.refused(prompt(1), 'fra', 6000)
    expect(tokensAt(warmth, prompt(1), 7000)).toBe(2048)
  })
})
