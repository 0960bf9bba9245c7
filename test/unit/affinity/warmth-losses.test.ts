import { describe, expect, test } from 'vitest'
import { anchorsOf } from '../../../shared/affinity/anchors.ts'
import { createWarmth } from '../../../shared/affinity/warmth.ts'
import { THETA_MS, dispatch, prompt, tokensAt } from './a-warmth.ts'
import { completion, text } from './prompts.ts'

describe('a pool that has lost what was believed', () => {
  test('is believed to have lost all that was used no later, and nothing that was used since', () => {
    const warmth = createWarmth()
    dispatch(warmth, prompt(1), 0, 0)
    dispatch(warmth, prompt(2), 2000, 0)
    dispatch(warmth, prompt(3), 4000, 0)
    dispatch(warmth, prompt(2), 10_000, 0)
    const known = [1, 2, 3].map((about) => tokensAt(warmth, prompt(about), 11_000) > 0)
    expect(known).toEqual([false, true, true])
  })

  test('is corrected by the first report after its cache was cleared', () => {
    const warmth = createWarmth()
    for (const about of [1, 2, 3, 4]) dispatch(warmth, prompt(about), about * 2000, 0)
    // Cleared now; the last that was used is the first to come back.
    dispatch(warmth, prompt(4), 20_000, 0)
    expect([1, 2, 3].map((about) => tokensAt(warmth, prompt(about), 21_000))).toEqual([0, 0, 0])
    expect(tokensAt(warmth, prompt(4), 20_000)).toBe(2048)
  })

  test('is doubted alone: the same prompts elsewhere stand', () => {
    const warmth = createWarmth()
    dispatch(warmth, prompt(1), 0, 0, 'iad')
    dispatch(warmth, prompt(1), 0, 0)
    dispatch(warmth, prompt(2), 2000, 0)
    dispatch(warmth, prompt(2), 4000, 0)
    expect(tokensAt(warmth, prompt(1), 4000)).toBe(0)
    expect(tokensAt(warmth, prompt(1), 4000, 'iad')).toBeGreaterThan(2000)
  })

  test('keeps what was sent in the same millisecond', () => {
    const warmth = createWarmth()
    dispatch(warmth, prompt(1), 0, 0)
    warmth.note(prompt(1), 'fra', 2000)
    dispatch(warmth, prompt(1), 2000, 0)
    expect(tokensAt(warmth, prompt(1), 2000)).toBe(2048)
  })

  test.each<[string, number, boolean]>([
    ['none', 0, false],
    ['less than half', 1000, false],
    ['half', 1024, true],
    ['most', 2000, true],
  ])('has %s of it: whether the rest stands', (_name, cachedTokens, stands) => {
    const warmth = createWarmth()
    dispatch(warmth, prompt(1), 0, 0)
    dispatch(warmth, prompt(2), 0, 0)
    dispatch(warmth, prompt(1), 1000, cachedTokens)
    expect(tokensAt(warmth, prompt(2), 1000) > 0).toBe(stands)
  })

  test('is no evidence where less than 512 tokens were expected', () => {
    const warmth = createWarmth()
    const small = anchorsOf(completion(text(2000, 9_000_000)), 'seed')
    const tokens = { promptTokens: 500, cachedTokens: 0 }
    dispatch(warmth, prompt(1), 0, 0)
    for (const askedAtMs of [0, 2000]) {
      const belief = warmth.believed(small, 'fra', { promptTokens: 500, nowMs: askedAtMs })
      warmth.note(small, 'fra', askedAtMs)
      warmth.corrected(small, 'fra', { ...tokens, belief, askedAtMs, nowMs: askedAtMs + 1000 })
    }
    expect(tokensAt(warmth, prompt(1), 2000)).toBeGreaterThan(2000)
  })

  test('is no evidence where the first to send it may still have been waiting for it', () => {
    const warmth = createWarmth()
    dispatch(warmth, prompt(1), 0, 0)
    const belief = { tokens: 2048, knownTokens: 2048, lastUsedMs: 5000 }
    const seen = { belief, cachedTokens: 0, promptTokens: 2048 }
    warmth.note(prompt(2), 'fra', 5000)
    warmth.note(prompt(2), 'fra', 5100)
    warmth.corrected(prompt(2), 'fra', {
      ...seen,
      belief: { tokens: 0, knownTokens: 0 },
      askedAtMs: 5000,
      nowMs: 5500,
    })
    warmth.corrected(prompt(2), 'fra', { ...seen, askedAtMs: 5100, nowMs: 5600 })
    expect(tokensAt(warmth, prompt(1), 5600)).toBeGreaterThan(2000)
  })

  test('is no evidence where it was found lost before, and may not have been computed again', () => {
    const warmth = createWarmth()
    dispatch(warmth, prompt(1), 0, 0)
    // Cleared here. What comes next is not lost, nor is it where two ask for the same.
    warmth.note(prompt(2), 'fra', 9990)
    const seen = { cachedTokens: 0, promptTokens: 2048 }
    const beliefs = [10_000, 10_100].map((askedAtMs) => {
      const belief = warmth.believed(prompt(1), 'fra', { promptTokens: 2048, nowMs: askedAtMs })
      warmth.note(prompt(1), 'fra', askedAtMs)
      return { belief, askedAtMs, nowMs: askedAtMs + 500 }
    })
    for (const each of beliefs) warmth.corrected(prompt(1), 'fra', { ...seen, ...each })
    expect(tokensAt(warmth, prompt(2), 10_600)).toBeGreaterThan(2000)
  })

  test('is judged by what was expected after fading, not by all that once was there', () => {
    const warmth = createWarmth()
    dispatch(warmth, prompt(1), 0, 0)
    dispatch(warmth, prompt(2), 0, 0)
    // Of 2,048 tokens 753 were expected.
    dispatch(warmth, prompt(1), THETA_MS, 400)
    expect(tokensAt(warmth, prompt(2), THETA_MS)).toBeGreaterThan(0)
  })

  test('is no evidence where the first to send it failed', () => {
    const warmth = createWarmth()
    dispatch(warmth, prompt(1), 0, 0)
    warmth.note(prompt(2), 'fra', 5000)
    dispatch(warmth, prompt(2), 9000, 0)
    expect(tokensAt(warmth, prompt(1), 9000)).toBeGreaterThan(2000)
  })

  test('makes belief in the pool fade sooner', () => {
    const warmth = createWarmth()
    for (let turn = 0; turn < 20; turn += 1) dispatch(warmth, prompt(1), turn * 120_000, 0)
    warmth.note(prompt(2), 'fra', 3_000_000)
    // With a retention of ten minutes, 1,676 would be left after two.
    expect(tokensAt(warmth, prompt(2), 3_120_000)).toBeLessThan(1000)
  })
})
