import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PoolState } from '../../../shared/pool/snapshot.ts'
import { UNKNOWN_POOL } from '../../../shared/pool/snapshot.ts'
import type { RankInput } from '../../../shared/routing/rank.ts'
import { rankPools } from '../../../shared/routing/rank.ts'
import { POOLS, REGIONS, aMesh } from '../residency/a-mesh.ts'
import { OPEN, anInput, measured, placementOf, regionOf } from './routing-fixtures.ts'

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

describe('the estimate', () => {
  test.each<[string, Partial<RankInput>, string]>([
    ['of unmeasured pools is the least their distance allows', {}, 'eu-1:1 us-1:66 ap-1:104'],
    ['from elsewhere is another', { origin: regionOf('ap-southeast') }, 'ap-1:1 eu-1:104 us-1:157'],
    ['of measured pools is what was measured', { states: states(allMeasured) }, 'eu-1:40 us-1:110 ap-1:180'],
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
      'grows with own requests in flight, by capacity',
      { states: states({ ...allMeasured, 'eu-1': measured(40, { pending: 64 }) }) },
      'us-1:110 eu-1:120 ap-1:180',
    ],
    [
      'is at least as long as the pool keeps others waiting',
      {
        nowMs: 140,
        states: states({ ...allMeasured, 'eu-1': measured(40, { waiting: 1, waitingSinceMs: 0 }) }),
      },
      'us-1:110 eu-1:140 ap-1:180',
    ],
    [
      'of a pool that is no longer used stays, for most requests',
      { nowMs: 1e6, states: states({ ...allMeasured, 'eu-1': measured(400) }) },
      'us-1:110 ap-1:180 eu-1:400',
    ],
  ])('%s', (_name, changes, expected) => {
    expect(order(changes)).toBe(expected)
  })

  test('says what it is made of', () => {
    const input = anInput({ states: states({ 'eu-1': measured(40, { pending: 8 }) }) })
    const [best, second] = rankPools(input).ranked
    expect(best).toMatchObject({
      estimateMs: 50,
      measured: true,
      parts: { priorMs: 1, baseMs: 40, queueFactor: 1.25 },
    })
    expect(second).toMatchObject({ measured: false, lastResort: false })
  })

  test('of equal pools is broken by chance, so that neither is always first', () => {
    const twins = aMesh({ pools: [POOLS[0], { ...POOLS[0], id: 'eu-2' }] })
    const draws = (values: number[]) => () => values.shift() ?? 0.5
    const first = (tieBreaks: number[]) =>
      order({ placement: placementOf(twins), rng: draws([0.5, ...tieBreaks]) })
    expect(first([0.1, 0.9])).toBe('eu-1:1 eu-2:1')
    expect(first([0.9, 0.1])).toBe('eu-2:1 eu-1:1')
  })
})

describe('looking again', () => {
  const idle = {
    nowMs: 60_000,
    states: states({ ...allMeasured, 'eu-1': measured(400, { lastDispatchAtMs: 0 }) }),
  }

  test('a small share of requests sees old measurements faded', () => {
    expect(order({ ...idle, rng: () => 0.051 })).toMatch(/^us-1/)
    expect(order({ ...idle, rng: () => 0.049 })).toMatch(/^eu-1/)
  })

  test('but not while somebody is looking already', () => {
    const looking = measured(400, {
      lastDispatchAtMs: 59_000,
      pending: 1,
      waiting: 1,
      waitingSinceMs: 59_900,
    })
    const changes = { ...idle, states: states({ ...allMeasured, 'eu-1': looking }), rng: () => 0.04 }
    expect(order(changes)).toMatch(/^us-1/)
  })

  test('a far pool that was honestly measured is never worth a look', () => {
    const fresh = { ...allMeasured, 'eu-1': measured(40, { lastDispatchAtMs: 60_000 }) }
    expect(order({ nowMs: 60_000, states: states(fresh), rng: () => 0.0 })).toMatch(/^eu-1/)
  })

  test('a still smaller share doubts the place of what was never measured, one at a time', () => {
    const known = { 'eu-1': measured(40), 'us-1': measured(110) }
    expect(order({ states: states(known), rng: () => 0.011 })).toMatch(/^eu-1/)
    expect(order({ states: states(known), rng: () => 0.009 })).toMatch(/^ap-1/)
    const asked = { ...UNKNOWN_POOL, pending: 1, waiting: 1, waitingSinceMs: 0 }
    expect(order({ states: states({ ...known, 'ap-1': asked }), rng: () => 0.009 })).toMatch(/^eu-1/)
  })
})

describe('what is rejected', () => {
  test.each<[string, Partial<RankInput>, string]>([
    ['nothing without cause', {}, ''],
    [
      'a pool without the version',
      {
        placement: placementOf(
          aMesh({ pools: [POOLS[0], { ...POOLS[1], models: [{ model: 'm', version: '1' }] }] }),
        ),
        version: '2',
      },
      'us-1=version_not_served',
    ],
    [
      'a pool whose dialect lacks a field',
      { acceptsFields: ({ id }) => id !== 'us-1' },
      'us-1=fields_not_supported',
    ],
    ['an open breaker', { states: states({ 'ap-1': measured(1, { breaker: OPEN }) }) }, 'ap-1=breaker_open'],
    [
      'a saturated pool',
      { states: states({ 'ap-1': measured(1, { saturation: [{ untilMs: 9 }] }) }) },
      'ap-1=saturated',
    ],
    [
      'not what is saturated for another key',
      { states: states({ 'ap-1': measured(1, { saturation: [{ key: 'b', untilMs: 9 }] }) }) },
      '',
    ],
    [
      'not a prompt that may fit',
      { contextLength: 8192, estimatedPromptTokens: 16_000, limitTokens: 100 },
      '',
    ],
    ['not when the length is unknown', { estimatedPromptTokens: 1e9 }, ''],
  ])('%s', (_name, changes, expected) => {
    expect(rejections(changes)).toBe(expected)
  })

  test('a request that is clearly too long, everywhere', () => {
    const prompt = { contextLength: 8192, estimatedPromptTokens: 17_000 }
    const output = { contextLength: 8192, limitTokens: 8193 }
    for (const changes of [prompt, output])
      expect(rejections(changes)).toMatch(/^(\S+=context_too_long ?){3}$/)
  })
})

describe('when nothing is left', () => {
  const down = (untilMs: number): PoolState => measured(1, { breaker: { ...OPEN, untilMs } })

  test('it says when the first pool may take requests again', () => {
    const input = anInput({
      nowMs: 1000,
      states: states({
        'eu-1': down(9000),
        'us-1': { ...down(2000), saturation: [{ untilMs: 7000 }] },
        'ap-1': measured(1, { saturation: [{ untilMs: 8000 }] }),
      }),
    })
    expect(rankPools(input)).toMatchObject({ ranked: [], retryAfterMs: 6000 })
  })

  test('waiting is not advised where it cannot help', () => {
    expect(rankPools(anInput({ acceptsFields: () => false }))).not.toHaveProperty('retryAfterMs')
  })

  test('a pool that still answers, if often with errors, is the last resort', () => {
    const erring = measured(40, { breaker: { ...OPEN, answers: true } })
    const only = rankPools(
      anInput({ states: states({ 'eu-1': erring, 'us-1': down(9000), 'ap-1': down(9000) }) }),
    )
    expect(only.ranked).toMatchObject([{ placed: { pool: { id: 'eu-1' } }, lastResort: true }])
    expect(only.rejected.map(({ pool }) => pool)).toEqual(['us-1', 'ap-1'])
    expect(rejections({ states: states({ 'eu-1': erring }) })).toBe('eu-1=breaker_open')
  })

  test('a last resort still has to suit the request', () => {
    const erring = measured(40, { breaker: { ...OPEN, answers: true }, saturation: [{ untilMs: 9 }] })
    const all = states({ 'eu-1': erring, 'us-1': down(9000), 'ap-1': down(9000) })
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
    cost: fc.integer({ min: 1, max: 5000 }),
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
          measured(one.cost, {
            pending: one.pending,
            ...(one.isOpen ? { breaker: { ...OPEN, answers: one.answers } } : {}),
            saturation: one.isSaturated ? [{ untilMs: 700 }] : [],
          }),
        ])
        const { ranked, rejected } = rankPools(
          anInput({ placement, states: new Map(entries), rng: () => draw }),
        )
        const seen = [...ranked.map(({ placed }) => placed.pool.id), ...rejected.map(({ pool }) => pool)]
        expect(seen.toSorted()).toEqual(inside)
        const estimates = ranked.map(({ estimateMs }) => estimateMs)
        expect(estimates).toEqual(estimates.toSorted((a, b) => a - b))
      },
    ),
  )
})
