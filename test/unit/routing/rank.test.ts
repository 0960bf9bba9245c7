import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PoolState } from '../../../shared/pool/snapshot.ts'
import { UNKNOWN_POOL } from '../../../shared/pool/snapshot.ts'
import type { RankInput } from '../../../shared/routing/rank.ts'
import { describeRanking, repick } from '../../../shared/routing/describe.ts'
import { rankPools } from '../../../shared/routing/rank.ts'
import { POOLS, REGIONS, aMesh } from '../residency/a-mesh.ts'
import { OPEN, anInput, fitAt, measured, placementOf, regionOf, saturatedUntil } from './routing-fixtures.ts'

const states = (entries: Record<string, PoolState>): ReadonlyMap<string, PoolState> =>
  new Map(Object.entries(entries))

function order(changes: Partial<RankInput>): string {
  return rankPools(anInput(changes))
    .ranked.map(({ placed, estimateMs }) => `${placed.pool.id}:${Math.round(estimateMs)}`)
    .join(' ')
}

function rejections(changes: Partial<RankInput>): string {
  return rankPools(anInput(changes))
    .rejected.map(({ pool, reason }) => `${pool}=${reason}`)
    .join(' ')
}

const allMeasured = { 'eu-1': measured(40), 'us-1': measured(110), 'ap-1': measured(180) }

describe('the order', () => {
  test.each<[string, Partial<RankInput>, string]>([
    ['of unmeasured pools is by the least their distance allows', {}, 'eu-1:1 us-1:66 ap-1:104'],
    ['from elsewhere is another', { origin: regionOf('ap-southeast') }, 'ap-1:1 eu-1:104 us-1:157'],
    [
      'of measured pools is by what was measured',
      { states: states(allMeasured) },
      'eu-1:40 us-1:110 ap-1:180',
    ],
    [
      'lets measurement overrule the place',
      { states: states({ ...allMeasured, 'eu-1': measured(150) }) },
      'us-1:110 eu-1:150 ap-1:180',
    ],
    [
      'prefers an unmeasured pool that could be better',
      { states: states({ 'eu-1': measured(90) }) },
      'us-1:66 eu-1:90 ap-1:104',
    ],
    [
      'counts the way to a pool less where much of the prompt is cached',
      {
        states: states(allMeasured),
        size: { promptTokens: 16_000, outputTokens: 100 },
        warmTokens: (pool) => (pool === 'us-1' ? 15_000 : 0),
      },
      'us-1:210 eu-1:1640 ap-1:1780',
    ],
    [
      'is by the price, too, where that counts',
      {
        placement: placementOf(
          aMesh({
            pools: POOLS.map((pool) => ({
              ...pool,
              price: { prompt: pool.id === 'eu-1' ? 10 : 1, completion: 0 },
            })),
          }),
        ),
        states: states(allMeasured),
        size: { promptTokens: 1000, outputTokens: 0 },
        msPerCent: 100,
      },
      // 1000 tokens cost a cent here and a tenth of one there.
      'us-1:210 eu-1:140 ap-1:280',
    ],
  ])('%s', (_name, changes, expected) => {
    expect(order(changes)).toBe(expected)
  })

  test('of equal pools is by chance, so that neither is always first', () => {
    const placement = placementOf(aMesh({ pools: [POOLS[0], { ...POOLS[0], id: 'eu-2' }] }))
    expect(order({ placement, draw: 0.1 })).toBe('eu-1:1 eu-2:1')
    expect(order({ placement, draw: 0.9 })).toBe('eu-2:1 eu-1:1')
  })

  test('of equal pools is by the prompt where it has a beginning', () => {
    const placement = placementOf(aMesh({ pools: [POOLS[0], { ...POOLS[0], id: 'eu-2' }] }))
    const ranking = rankPools(anInput({ placement, draw: 0.1, hash: () => ['eu-2', 'eu-1'] }))
    expect(ranking.ranked[0]?.placed.pool.id).toBe('eu-2')
    expect(ranking.decision).toEqual({ reason: 'hashed', hashed: ['eu-2', 'eu-1'], draw: 0.1 })
  })
})

test('says what an estimate is made of, and whether it was measured', () => {
  const [best, second] = rankPools(
    anInput({ states: states({ 'eu-1': measured(40) }), size: { promptTokens: 100, outputTokens: 10 } }),
  ).ranked
  expect(best).toMatchObject({
    estimateMs: 50,
    scoreMs: 50,
    measured: true,
    lastResort: false,
    parts: { rttMs: 1, interceptMs: 39, queueMs: 0, promptTokens: 100, warmTokens: 0, msPerToken: 0.1 },
  })
  expect(second).toMatchObject({ measured: false, lastResort: false })
})

describe('looking', () => {
  const slowOnce = { ...allMeasured, 'eu-1': measured(400) }
  const looks = { looks: 1, blindLooks: -1 }

  test('a pool that was left is looked at when it is due, and that is paid for', () => {
    const eu1 = measured(400, { measures: { prefill: { ...fitAt(400), bestLevelMs: 40 } } })
    const ranking = rankPools(anInput({ nowMs: 60_000, states: states({ ...slowOnce, 'eu-1': eu1 }), looks }))
    expect(ranking.ranked[0]?.placed.pool.id).toBe('eu-1')
    expect(ranking.decision).toMatchObject({ reason: 'look', look: { pool: 'eu-1', kind: 'look' } })
    expect(ranking.looks.looks).toBe(0)
  })

  test('a far pool that was honestly measured is not', () => {
    expect(order({ nowMs: 10_000, states: states(allMeasured), looks })).toMatch(/^eu-1/)
  })

  test('a pool that was never seen is, rarely', () => {
    const known = { 'eu-1': measured(40), 'us-1': measured(110) }
    const ranking = rankPools(anInput({ states: states(known), looks: { looks: 0, blindLooks: 1 } }))
    expect(ranking.decision).toMatchObject({ look: { pool: 'ap-1', kind: 'blind' } })
    expect(ranking.looks).toEqual({ looks: 0.05, blindLooks: 0 })
  })
})

describe('when nothing is left', () => {
  const down = (untilMs: number): PoolState => measured(1, { measures: { breaker: { ...OPEN, untilMs } } })
  const erring = measured(40, { measures: { breaker: { ...OPEN, answers: true } } })

  test('it says when the first pool may take requests again', () => {
    const both = { breaker: { ...OPEN, untilMs: 2000 }, saturation: saturatedUntil(7000) }
    const input = anInput({
      nowMs: 1000,
      states: states({
        'eu-1': down(9000),
        'us-1': measured(1, { measures: both }),
        'ap-1': measured(1, { measures: { saturation: saturatedUntil(8000) } }),
      }),
    })
    expect(rankPools(input)).toMatchObject({ ranked: [], retryAfterMs: 6000 })
  })

  test('waiting is not advised where it cannot help', () => {
    expect(rankPools(anInput({ acceptsFields: () => false }))).not.toHaveProperty('retryAfterMs')
  })

  test('a pool that still answers, if often with errors, is the last resort', () => {
    const all = states({ 'eu-1': erring, 'us-1': down(9000), 'ap-1': down(9000) })
    const only = rankPools(anInput({ states: all }))
    expect(only.ranked).toMatchObject([{ placed: { pool: { id: 'eu-1' } }, lastResort: true }])
    expect(only.decision).toMatchObject({ reason: 'last_resort' })
    expect(only.rejected.map(({ pool }) => pool)).toEqual(['us-1', 'ap-1'])
    expect(rejections({ states: states({ 'eu-1': erring }) })).toBe('eu-1=breaker_open')
  })

  test('a last resort still has to suit the request', () => {
    const full = measured(40, {
      measures: { breaker: { ...OPEN, answers: true }, saturation: saturatedUntil(9) },
    })
    const all = states({ 'eu-1': full, 'us-1': down(9000), 'ap-1': down(9000) })
    expect(rankPools(anInput({ states: all })).ranked).toEqual([])
  })
})

test('never ranks a pool outside the placement, however fast, and accounts for each pool inside exactly once', () => {
  const config = aMesh({
    pools: [...POOLS, ...REGIONS.map((region, n) => ({ ...POOLS[0], id: `more-${n}`, region: region.id }))],
    tenants: [{ id: 't', floor: { jurisdictions: ['eu'] } }],
  })
  const placement = placementOf(config)
  const inside = placement.pools.map(({ pool }) => pool.id).toSorted()
  const state = fc.record({
    level: fc.integer({ min: 1, max: 5000 }),
    pending: fc.nat(100),
    isOpen: fc.boolean(),
    answers: fc.boolean(),
    isSaturated: fc.boolean(),
  })
  const ids = config.pools.map(({ id }) => id)
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...ids), state),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (known, draw) => {
        const entries = Object.entries(known).map(([id, one]): [string, PoolState] => [
          id,
          measured(one.level, {
            pending: one.pending,
            measures: {
              ...(one.isOpen ? { breaker: { ...OPEN, answers: one.answers } } : {}),
              saturation: one.isSaturated ? saturatedUntil(700) : [],
            },
          }),
        ])
        const { ranked, rejected } = rankPools(
          anInput({ placement, states: new Map(entries), draw, looks: { looks: 1, blindLooks: 1 } }),
        )
        const seen = [...ranked.map(({ placed }) => placed.pool.id), ...rejected.map(({ pool }) => pool)]
        expect(seen.toSorted()).toEqual(inside)
        const others = ranked.slice(1).map(({ scoreMs }) => scoreMs)
        expect(others).toEqual(others.toSorted((a, b) => a - b))
      },
    ),
  )
})

test('a pool that nobody knows is not held to be anything', () => {
  expect(order({ states: states({ 'eu-1': UNKNOWN_POOL }) })).toBe('eu-1:1 us-1:66 ap-1:104')
})

describe('pools that the policy prefers', () => {
  const pools = POOLS.map((pool) => ({ ...pool, sovereign: pool.id === 'ap-1' }))
  const [tenant] = aMesh().tenants
  const config = aMesh({ pools, tenants: [{ ...tenant, sovereign: 'prefer' }] })
  const placement = placementOf(config)

  test('go first, however far they are', () => {
    expect(order({ placement, states: states(allMeasured) })).toBe('ap-1:180 eu-1:40 us-1:110')
  })

  test('are followed by the others while they cannot serve', () => {
    const full = measured(180, { measures: { saturation: saturatedUntil(99) } })
    expect(order({ placement, states: states({ ...allMeasured, 'ap-1': full }) })).toBe('eu-1:40 us-1:110')
  })

  test('are why the pick can be made again from what is told of it', () => {
    const ranking = rankPools(anInput({ placement, states: states(allMeasured) }))
    expect(repick(describeRanking(ranking))).toEqual({ pool: 'ap-1', reason: 'best' })
  })
})
