import { describe, expect, test } from 'vitest'
import { observeFirstToken } from '../../../shared/pool/prefill-fit.ts'
import type { PoolState } from '../../../shared/pool/snapshot.ts'
import { UNKNOWN_POOL } from '../../../shared/pool/snapshot.ts'
import { estimateParts, scoreMs, ttftMs, type EstimateInput } from '../../../shared/routing/estimate.ts'
import { aMesh, must, POOLS } from '../residency/a-mesh.ts'
import { fitAt, measured } from './routing-fixtures.ts'

const pool = must(
  aMesh({ pools: [{ ...POOLS[0], price: { prompt: 10, cached_prompt: 1, completion: 20 } }] }).pools[0],
)
const parts = (state: PoolState, changes: Partial<EstimateInput> = {}) =>
  estimateParts({
    pool,
    state,
    size: { promptTokens: 1000, outputTokens: 100 },
    warmTokens: 0,
    priorMs: 20,
    quickestMsPerToken: 0,
    msPerCent: 0,
    nowMs: 0,
    ...changes,
  })

test('of a pool that nobody measured is its distance and the usual rate', () => {
  const unknown = parts(UNKNOWN_POOL)
  expect(unknown).toMatchObject({
    rttMs: 20,
    interceptMs: 0,
    msPerToken: 0.1,
    noiseMs: 10,
    optimisticMs: 120,
  })
  expect(ttftMs(unknown)).toBe(120)
})

test('of a measured one is its level and its rate, less what is cached', () => {
  const state = measured(50, { measures: { prefill: { ...fitAt(50), msPerToken: 0.2 } } })
  expect(ttftMs(parts(state))).toBe(250)
  expect(ttftMs(parts(state, { warmTokens: 900 }))).toBeCloseTo(70, 9)
  expect(ttftMs(parts(state, { warmTokens: 2000 }))).toBe(50)
})

test('splits the level into the way there and the rest', () => {
  const roundTrip = { costMs: 12, bestMs: 12, updatedAtMs: 0, sampleCount: 9 }
  expect(parts(measured(50, { measures: { roundTrip } }))).toMatchObject({ rttMs: 12, interceptMs: 38 })
  expect(parts(measured(10))).toMatchObject({ rttMs: 10, interceptMs: 0 })
})

test('at its best is what it has once been, and without slow decoding', () => {
  const slow = measured(400, {
    measures: {
      prefill: { ...fitAt(400), bestLevelMs: 30 },
      decode: { msPerToken: 100, completionTokens: 100, totalMs: 1, answers: 9 },
    },
  })
  const estimated = parts(slow, { quickestMsPerToken: 10 })
  expect(ttftMs(estimated)).toBe(500)
  expect(estimated.guardMs).toBe(850)
  expect(estimated.optimisticMs).toBe(130)
})

test('at its best is what its distance allows, while all that was seen of it may be set-up', () => {
  const [first] = fitAt(400).samples
  const once = observeFirstToken(undefined, must(first))
  expect(ttftMs(parts(measured(400, { measures: { prefill: once } })))).toBe(500)
  expect(parts(measured(400, { measures: { prefill: once } })).optimisticMs).toBe(120)
  expect(parts(measured(400)).optimisticMs).toBe(500)
})

describe('besides the time to first token', () => {
  const decoding = (msPerToken: number): PoolState =>
    measured(50, { measures: { decode: { msPerToken, completionTokens: 100, totalMs: 1, answers: 9 } } })

  test.each([
    ['as quick as the quickest', 10, 0],
    ['slower by what load makes of equal pools', 15, 0],
    ['slower than that', 30, 150],
  ])('decoding counts a tenth of what it takes longer: %s', (_name, msPerToken, expected) => {
    expect(parts(decoding(msPerToken), { quickestMsPerToken: 10 }).guardMs).toBeCloseTo(expected, 9)
  })

  test('a pool whose decoding nobody measured gets the benefit of the doubt', () => {
    expect(parts(measured(50), { quickestMsPerToken: 10 }).guardMs).toBe(0)
  })

  test('the price counts where it is to count', () => {
    expect(parts(measured(50)).priceMs).toBe(0)
    // 600 × 10 + 400 × 1 + 100 × 20 dollars in a million: 0.84 cents.
    const priced = parts(measured(50), { msPerCent: 100, warmTokens: 400 })
    expect(priced.priceMs).toBeCloseTo(84, 9)
    expect(scoreMs(priced)).toBeCloseTo(50 + 60 + 84, 9)
  })
})
