/**
 * Ranking and pool states together in a closed loop: virtual time, requests at a steady rate, pools with hidden times
 * to first token. What is measured here is how fast traffic finds the best pool and leaves a bad one.
 */
import { describe, expect, test } from 'vitest'
import type { PoolState } from '../../../shared/pool/snapshot.ts'
import { UNKNOWN_POOL, onDispatch, onEnd, onFirstToken } from '../../../shared/pool/snapshot.ts'
import { rankPools } from '../../../shared/routing/rank.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import { POOLS, REGIONS, aMesh, must } from '../residency/a-mesh.ts'
import { anInput, placementOf, regionOf, seededRng } from './routing-fixtures.ts'

/** Time to first token of a pool, milliseconds, at a time. */
type Hidden = (nowMs: number) => number

interface Loop {
  readonly config?: MeshConfig
  readonly origin: string
  readonly hidden: Readonly<Record<string, Hidden>>
  readonly seconds: number
  readonly perSecond: number
  readonly seed?: number
}

interface Choice {
  readonly atMs: number
  readonly pool: string
}

const DECODE_MS = 200

/** Runs the loop and returns which pool each request went to, in order. */
function run({ config = aMesh(), origin, hidden, seconds, perSecond, seed = 1 }: Loop): readonly Choice[] {
  const placement = placementOf(config)
  const rng = seededRng(seed)
  const states = new Map<string, PoolState>()
  const update = (pool: string, change: (state: PoolState) => PoolState) =>
    states.set(pool, change(states.get(pool) ?? UNKNOWN_POOL))
  const choices: Choice[] = []
  let events: { atMs: number; happen: () => void }[] = []
  for (let n = 0; n < seconds * perSecond; n += 1) {
    const nowMs = (n * 1000) / perSecond
    for (const event of events.filter(({ atMs }) => atMs <= nowMs).toSorted((a, b) => a.atMs - b.atMs))
      event.happen()
    events = events.filter(({ atMs }) => atMs > nowMs)

    const { ranked } = rankPools(anInput({ placement, origin: regionOf(origin, config), states, nowMs, rng }))
    const pool = must(ranked[0]).placed.pool.id
    choices.push({ atMs: nowMs, pool })
    update(pool, (state) => onDispatch(state, nowMs))
    const ttftMs = must(hidden[pool])(nowMs) * (0.9 + 0.2 * rng())
    const [firstAtMs, endAtMs] = [nowMs + ttftMs, nowMs + ttftMs + DECODE_MS]
    events.push(
      { atMs: firstAtMs, happen: () => update(pool, (state) => onFirstToken(state, ttftMs, firstAtMs)) },
      {
        atMs: endAtMs,
        happen: () => update(pool, (state) => onEnd(state, { sawFirstToken: true }, endAtMs)),
      },
    )
  }
  return choices
}

function shareOf(pool: string, choices: readonly Choice[]): number {
  return choices.filter((choice) => choice.pool === pool).length / choices.length
}

const steady =
  (ms: number): Hidden =>
  () =>
    ms
const slowBetween =
  (ms: number, fromMs: number, toMs: number): Hidden =>
  (nowMs) =>
    nowMs >= fromMs && nowMs < toMs ? ms * 10 : ms
/** What each origin really sees: the round trip along real cables, and a prefill. */
const SEEN_FROM = {
  'eu-central': { 'eu-1': 31, 'us-1': 104, 'ap-1': 171 },
  'us-east': { 'eu-1': 104, 'us-1': 31, 'ap-1': 240 },
  'ap-southeast': { 'eu-1': 171, 'us-1': 240, 'ap-1': 31 },
} as const
const hiddenFrom = (origin: keyof typeof SEEN_FROM): Record<string, Hidden> =>
  Object.fromEntries(Object.entries(SEEN_FROM[origin]).map(([pool, ms]) => [pool, steady(ms)]))
const SEEDS = [1, 2, 3]

describe.each(SEEDS)('with chance %i', (seed) => {
  test.each([
    ['eu-central', 'eu-1'],
    ['us-east', 'us-1'],
    ['ap-southeast', 'ap-1'],
  ] as const)('a cold start from %s finds the best pool within ten requests', (origin, best) => {
    const choices = run({ origin, hidden: hiddenFrom(origin), seconds: 60, perSecond: 20, seed })
    expect(shareOf(best, choices.slice(10))).toBeGreaterThan(0.98)
  })

  test('a best pool that is not the nearest is found within ten requests', () => {
    const hidden = { ...hiddenFrom('eu-central'), 'eu-1': steady(400) }
    const choices = run({ origin: 'eu-central', hidden, seconds: 60, perSecond: 5, seed })
    expect(shareOf('us-1', choices.slice(10))).toBeGreaterThan(0.95)
  })

  test('a pool that lies about being near is tried and left', () => {
    const lying = REGIONS.map((region) =>
      region.id === 'ap-southeast' ? { ...region, latitude: 50, longitude: 8 } : region,
    )
    const config = aMesh({ regions: lying })
    const choices = run({
      config,
      origin: 'eu-central',
      hidden: hiddenFrom('eu-central'),
      seconds: 30,
      perSecond: 20,
      seed,
    })
    expect(shareOf('eu-1', choices.slice(10))).toBeGreaterThan(0.97)
  })

  test('a near pool that is listed as far is found all the same', () => {
    const lying = REGIONS.map((region) =>
      region.id === 'ap-southeast' ? { ...region, latitude: -40, longitude: 175 } : region,
    )
    const config = aMesh({ regions: lying })
    const hidden = { 'eu-1': steady(80), 'us-1': steady(104), 'ap-1': steady(20) }
    const choices = run({ config, origin: 'eu-central', hidden, seconds: 120, perSecond: 20, seed })
    expect(shareOf('ap-1', choices.slice(-600))).toBeGreaterThan(0.97)
  })

  test.each([2, 20, 100])(
    'when the best slows down ten-fold, traffic at %i/s has moved within 5 to 10 requests',
    (perSecond) => {
      const fromMs = 20_000
      const hidden = { ...hiddenFrom('eu-central'), 'eu-1': slowBetween(31, fromMs, Infinity) }
      const choices = run({ origin: 'eu-central', hidden, seconds: 25, perSecond, seed })
      const after = choices.filter(({ atMs }) => atMs >= fromMs).map(({ pool }) => pool)
      const moved = after.indexOf('us-1')
      expect(moved).toBeGreaterThanOrEqual(0)
      expect(moved).toBeLessThanOrEqual(perSecond > 20 ? 10 : 5)
      expect(after.slice(moved, moved + 20).filter((pool) => pool === 'eu-1').length).toBeLessThanOrEqual(3)
    },
  )

  test('after it recovers it is used again within a minute, and until then few requests suffer', () => {
    const [fromMs, toMs] = [20_000, 80_000]
    const hidden = { ...hiddenFrom('eu-central'), 'eu-1': slowBetween(31, fromMs, toMs) }
    const choices = run({ origin: 'eu-central', hidden, seconds: 160, perSecond: 20, seed })
    const during = choices.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    expect(shareOf('eu-1', during)).toBeLessThan(0.03)
    const lastMinute = choices.filter(({ atMs }) => atMs >= toMs + 60_000)
    expect(shareOf('eu-1', lastMinute)).toBeGreaterThan(0.98)
  })

  test('so is a pool that is far, but nearer than the others', () => {
    const toMs = 21_000
    const hidden = { 'us-1': slowBetween(70, 20_000, toMs), 'ap-1': steady(171) }
    const config = aMesh({ tenants: [{ id: 't', floor: { jurisdictions: ['us', 'sg'] } }] })
    const choices = run({ config, origin: 'eu-central', hidden, seconds: 110, perSecond: 20, seed })
    expect(
      shareOf(
        'ap-1',
        choices.filter(({ atMs }) => atMs >= 20_500 && atMs < 30_000),
      ),
    ).toBeGreaterThan(0.95)
    expect(
      shareOf(
        'us-1',
        choices.filter(({ atMs }) => atMs >= toMs + 60_000),
      ),
    ).toBeGreaterThan(0.98)
  })

  test('one slow answer does not send traffic away', () => {
    const hidden = { ...hiddenFrom('eu-central'), 'eu-1': (nowMs: number) => (nowMs === 20_000 ? 3000 : 31) }
    const choices = run({ origin: 'eu-central', hidden, seconds: 60, perSecond: 20, seed })
    expect(shareOf('eu-1', choices.slice(10))).toBeGreaterThan(0.97)
  })

  test('at one request a minute, looking again at slow pools stays rare', () => {
    const pools = [POOLS[0], { ...POOLS[0], id: 'eu-2' }]
    const hidden = { 'eu-1': steady(31), 'eu-2': steady(310) }
    const choices = run({
      config: aMesh({ pools }),
      origin: 'eu-central',
      hidden,
      seconds: 12_000,
      perSecond: 1 / 60,
      seed,
    })
    expect(shareOf('eu-2', choices.slice(10))).toBeLessThan(0.12)
  })

  test('never leaves the placement, whatever it measures', () => {
    const config = aMesh({ tenants: [{ id: 't', floor: { jurisdictions: ['eu', 'us'] } }] })
    const hidden = { 'eu-1': slowBetween(31, 5000, 20_000), 'us-1': steady(900), 'ap-1': steady(1) }
    const choices = run({ config, origin: 'ap-southeast', hidden, seconds: 40, perSecond: 20, seed })
    expect(new Set(choices.map(({ pool }) => pool))).toEqual(new Set(['eu-1', 'us-1']))
  })
})
