import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pick, tieMs, type PickInput, type Scored } from '../../../shared/routing/pick.ts'

const one = (pool: string, scoreMs: number, changes: Partial<Scored> = {}): Scored => ({
  pool,
  scoreMs,
  warmTokens: 0,
  msPerToken: 0.1,
  load: 0,
  noiseMs: 5,
  ...changes,
})
const picked = (candidates: readonly Scored[], rest: Partial<PickInput> = {}): string => {
  const choice = pick({ candidates, hashed: [], draw: 0, ...rest })
  return `${choice?.pool} ${choice?.reason}`
}

test('without candidates there is no pick', () => {
  expect(pick({ candidates: [], hashed: [], draw: 0 })).toBeUndefined()
})

test('a pool that is to be looked at gets the request', () => {
  expect(picked([one('a', 10), one('b', 100)], { look: 'b' })).toBe('b look')
})

describe('estimates that can be told apart', () => {
  test.each<[string, readonly Scored[], string]>([
    ['the best one', [one('a', 50), one('b', 40)], 'b best'],
    ['the best one, though another is idle', [one('a', 40, { load: 0.9 }), one('b', 50)], 'a best'],
    ['the warm one, while it is hardly worse', [one('a', 40), one('b', 75, { warmTokens: 600 })], 'b warm'],
    [
      'the best one, where the warm one is too far',
      [one('a', 40), one('b', 85, { warmTokens: 600 })],
      'a best',
    ],
    ['the best one, where little is warm', [one('a', 40), one('b', 50, { warmTokens: 255 })], 'a best'],
    [
      'the warmest one, with the cheapest of those that are as warm',
      [one('a', 40), one('b', 60, { warmTokens: 900 }), one('c', 52, { warmTokens: 700 })],
      'c warm',
    ],
    ['the best one, where that is the warmest', [one('a', 40, { warmTokens: 600 }), one('b', 60)], 'a best'],
  ])('%s', (_name, candidates, expected) => {
    expect(picked(candidates, { hashed: ['a', 'b'] })).toBe(expected)
    expect(picked(candidates.toReversed(), { draw: 0.99 })).toBe(expected)
  })
})

describe('estimates that cannot be told apart', () => {
  const ties = [one('a', 40), one('b', 42), one('c', 60)]

  test('go to the first of the hashed ones', () => {
    expect(picked(ties, { hashed: ['b', 'a'] })).toBe('b hashed')
    expect(picked(ties, { hashed: ['c', 'b'] })).toBe('b hashed')
  })

  test('or to the second, where that is clearly less loaded', () => {
    const loaded = (load: number) => [one('a', 40), one('b', 40, { load })]
    expect(picked(loaded(0.25), { hashed: ['b', 'a'] })).toBe('b hashed')
    expect(picked(loaded(0.26), { hashed: ['b', 'a'] })).toBe('a hashed')
  })

  test('are spread by chance, more to the better ones and to the idle ones', () => {
    const draws = Array.from({ length: 1000 }, (_, index) => index / 1000)
    const shareOfA = (candidates: readonly Scored[]): number =>
      draws.filter((draw) => picked(candidates, { draw }) === 'a spread').length / 1000
    expect(shareOfA([one('a', 40), one('b', 40)])).toBeCloseTo(0.5, 2)
    // 1 / (1 + e⁻¹) and 1 / (1 + e⁻²)
    expect(shareOfA([one('a', 40), one('b', 45)])).toBeCloseTo(0.731, 2)
    expect(shareOfA([one('a', 40), one('b', 40, { load: 1 })])).toBeCloseTo(0.881, 2)
  })

  test('stay among those that have the prompt cached', () => {
    const warm = { warmTokens: 2000 }
    const candidates = [one('a', 40, warm), one('b', 41, { warmTokens: 1900 }), one('c', 41)]
    const choices = new Set([0, 0.3, 0.6, 0.99].map((draw) => picked(candidates, { draw })))
    expect(choices).toEqual(new Set(['a spread', 'b spread']))
  })
})

test.each([
  ['a quiet pool', 40, 0, 5],
  ['a noisy one', 40, 8, 8],
  ['a very noisy one', 40, 100, 10],
  ['a noisy one that is far', 400, 100, 60],
])('what counts as equal: %s', (_name, scoreMs, noiseMs, expected) => {
  expect(tieMs(one('a', scoreMs, { noiseMs }))).toBe(expected)
})

test('the pick is one of the candidates, whatever the order in which they come', () => {
  const candidate = fc.record({
    scoreMs: fc.double({ min: 0, max: 1000, noNaN: true }),
    warmTokens: fc.nat(5000),
    msPerToken: fc.double({ min: 0, max: 10, noNaN: true }),
    load: fc.double({ min: 0, max: 3, noNaN: true }),
    noiseMs: fc.double({ min: 0, max: 500, noNaN: true }),
  })
  fc.assert(
    fc.property(
      fc.array(candidate, { minLength: 1, maxLength: 8 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (given, draw) => {
        const candidates = given.map((rest, index) => ({ pool: `p${index}`, ...rest }))
        const hashed = candidates.slice(0, 2).map(({ pool }) => pool)
        const choice = pick({ candidates, hashed, draw })
        expect(candidates.map(({ pool }) => pool)).toContain(choice?.pool)
        expect(pick({ candidates: candidates.toReversed(), hashed, draw })).toEqual(choice)
      },
    ),
  )
})
