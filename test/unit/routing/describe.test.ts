import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PoolState } from '../../../shared/pool/snapshot.ts'
import { describeRanking, repick, type DescribedRanking } from '../../../shared/routing/describe.ts'
import { rankPools } from '../../../shared/routing/rank.ts'
import { aMesh, POOLS } from '../residency/a-mesh.ts'
import { OPEN, aShared, anInput, measured, placementOf } from './routing-fixtures.ts'

/** As it comes out of a log. */
function read(described: DescribedRanking): DescribedRanking {
  return JSON.parse(JSON.stringify(described)) as DescribedRanking
}

test('says everything the pick went by, in plain JSON', () => {
  const input = anInput({
    states: new Map([['eu-1', measured(40)]]),
    size: { promptTokens: 100, outputTokens: 10 },
    warmTokens: (pool) => (pool === 'eu-1' ? 60 : 0),
    placement: placementOf(aMesh({ pools: [POOLS[0]] })),
  })
  expect(read(describeRanking(rankPools(input)))).toEqual({
    reason: 'best',
    hashed: [],
    draw: 0.5,
    candidates: [
      {
        pool: 'eu-1',
        region: 'eu-central',
        estimate_ms: 44,
        score_ms: 44,
        measured: true,
        parts: { rtt_ms: 1, intercept_ms: 39, queue_ms: 0, prefill_ms: 4, guard_ms: 0, price_ms: 0 },
        prompt_tokens: 100,
        warm_tokens: 60,
        ms_per_token: 0.1,
        load: 0,
        noise_ms: 3.2768,
      },
    ],
    rejected: [],
  })
})

test('of nothing there is nothing to pick', () => {
  const described = describeRanking(rankPools(anInput({ acceptsFields: () => false })))
  expect(described).toMatchObject({ candidates: [], rejected: [{}, {}, {}] })
  expect(repick(read(described))).toBeUndefined()
})

test('from the description alone the pick comes out as it was made', () => {
  const config = aMesh({ pools: [...POOLS, { ...POOLS[0], id: 'eu-2' }, { ...POOLS[0], id: 'eu-3' }] })
  const ids = config.pools.map(({ id }) => id)
  const state = fc.record({
    level: fc.integer({ min: 1, max: 400 }),
    pending: fc.nat(60),
    inFlight: fc.nat(60),
    openness: fc.constantFrom('closed', 'open', 'answers'),
  })
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...ids), state),
      fc.record({
        draw: fc.double({ min: 0, max: 0.999, noNaN: true }),
        msPerCent: fc.nat(100),
        promptTokens: fc.nat(20_000),
        warm: fc.array(fc.nat(20_000), { minLength: 5, maxLength: 5 }),
        hashed: fc.shuffledSubarray(ids, { maxLength: 2 }),
        looks: fc.constantFrom(0, 1),
        nowMs: fc.nat(120_000),
      }),
      (known, { draw, msPerCent, promptTokens, warm, hashed, looks, nowMs }) => {
        const states = Object.entries(known).map(([id, one]): [string, PoolState] => [
          id,
          measured(one.level, {
            pending: one.pending,
            shared: aShared({ inFlight: one.inFlight }),
            ...(one.openness === 'closed'
              ? {}
              : { measures: { breaker: { ...OPEN, untilMs: 1e9, answers: one.openness === 'answers' } } }),
          }),
        ])
        const ranking = rankPools(
          anInput({
            placement: placementOf(config),
            states: new Map(states),
            draw,
            msPerCent,
            nowMs,
            size: { promptTokens, outputTokens: 100 },
            warmTokens: (pool) => warm[ids.indexOf(pool)] ?? 0,
            hash: () => hashed,
            looks: { looks, blindLooks: looks },
          }),
        )
        const [first] = ranking.ranked
        const expected = first && { pool: first.placed.pool.id, reason: ranking.decision?.reason }
        expect(repick(read(describeRanking(ranking)))).toEqual(expected)
      },
    ),
    { numRuns: 500 },
  )
})
