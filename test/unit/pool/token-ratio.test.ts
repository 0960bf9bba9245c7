import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TokenRatio } from '../../../shared/pool/token-ratio.ts'
import { mergeRatios, observeRatio, tokensIn } from '../../../shared/pool/token-ratio.ts'
import { must } from '../residency/a-mesh.ts'

function after(...prompts: readonly (readonly [bytes: number, tokens: number])[]): TokenRatio {
  return must(
    prompts.reduce<TokenRatio | undefined>((ratio, prompt) => observeRatio(ratio, ...prompt), undefined),
  )
}

const repeated = (count: number, bytes: number, tokens: number): readonly (readonly [number, number])[] =>
  Array.from({ length: count }, () => [bytes, tokens] as const)

describe('observing', () => {
  test.each<[string, TokenRatio, number]>([
    ['one long prompt outweighs the prior', after([6000, 2000]), 3.11],
    ['one short prompt, mostly of the template, hardly counts', after([20, 18]), 3.81],
    ['of many prompts the prior is forgotten', after(...repeated(100, 3000, 1000)), 3.0],
    [
      'a new kind of prompt has the say after fifty',
      after(...repeated(100, 5000, 1000), ...repeated(50, 3000, 1000)),
      3.66,
    ],
    [
      'a very long prompt does not speak for all',
      after(...repeated(50, 4000, 1000), [2_000_000, 1_000_000]),
      3.77,
    ],
  ])('%s', (_name, ratio, expected) => {
    expect(ratio.bytesPerToken).toBeCloseTo(expected, 2)
  })

  test.each<[string, number, number]>([
    ['an image that is sent as text', 1_000_000, 900],
    ['a prompt that is less than its template', 2, 40],
    ['no tokens', 100, 0],
    ['fewer tokens than none', 100, -5],
    ['fewer bytes than none', -100, -50],
    ['nothing at all', 0, 0],
    ['no number of bytes', NaN, 10],
    ['no number of tokens', 100, NaN],
    ['bytes without end', Infinity, 10],
    ['tokens without end', 100, Infinity],
    ['both without end', Infinity, Infinity],
  ])('%s changes nothing', (_name, bytes, tokens) => {
    const before = after([6000, 2000])
    expect(observeRatio(before, bytes, tokens)).toBe(before)
    expect(observeRatio(undefined, bytes, tokens)).toMatchObject({ bytesPerToken: 4, samples: 0 })
  })
})

test.each<[number, TokenRatio | undefined, number]>([
  [4000, undefined, 1000],
  [4001, undefined, 1001],
  [0, undefined, 0],
  [-5, undefined, 0],
  [NaN, undefined, 0],
  [4000, after(...repeated(2000, 2000, 1000)), 2000],
])('%d bytes are sized by what was learned', (bytes, ratio, expected) => {
  expect(tokensIn(bytes, ratio)).toBe(expected)
})

test('the one that rests on more samples is gone by', () => {
  const [few, many] = [after([6000, 2000]), after([6000, 1500], [6000, 1500])]
  expect(mergeRatios(few, many)).toBe(many)
  expect(mergeRatios(many, few)).toBe(many)
})

describe('laws', () => {
  const number = fc.oneof(fc.nat(100_000), fc.double(), fc.constantFrom(0, -1, NaN, Infinity))
  const prompts = fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 200 })

  test('whatever is counted, a token is between 1 and 16 bytes', () => {
    fc.assert(
      fc.property(prompts, (all) => {
        const ratio = after(...all)
        expect(ratio.bytesPerToken).toBeGreaterThanOrEqual(1)
        expect(ratio.bytesPerToken).toBeLessThanOrEqual(16)
        expect(JSON.parse(JSON.stringify(ratio))).toEqual(ratio)
      }),
    )
  })

  test('the ratio of any steady text is found within 5 % after a hundred prompts of whatever length', () => {
    const sizes = fc.array(fc.integer({ min: 50, max: 20_000 }), { minLength: 100, maxLength: 100 })
    fc.assert(
      fc.property(sizes, fc.double({ min: 1.01, max: 15.9, noNaN: true }), (tokens, bytesPerToken) => {
        const ratio = after(...tokens.map((count) => [count * bytesPerToken, count] as const))
        expect(ratio.bytesPerToken / bytesPerToken).toBeGreaterThan(0.95)
        expect(ratio.bytesPerToken / bytesPerToken).toBeLessThan(1.05)
      }),
    )
  })

  test('merging is the same in either order, and merging the same again changes nothing', () => {
    fc.assert(
      fc.property(prompts, prompts, (some, others) => {
        const [own, region] = [after(...some), after(...others)]
        const merged = mergeRatios(own, region)
        expect(mergeRatios(region, own).bytesPerToken).toBe(merged.bytesPerToken)
        expect(mergeRatios(merged, region)).toEqual(merged)
        expect(mergeRatios(own, merged)).toEqual(merged)
      }),
    )
  })
})
