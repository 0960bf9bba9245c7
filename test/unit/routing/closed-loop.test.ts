/**
 * Ranking and pool states together in a closed loop: virtual time, simulated pools with hidden times to first token. What is
 * measured here is how fast an edge's traffic finds the best pool, leaves a bad one and comes back.
 */
import { describe, expect, test } from 'vitest'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import type { Engine, EngineSpec } from '../../support/virtual-engine.ts'
import { aPrompt, aText, createFleet, type Fleet, type VirtualAnswer } from '../../support/virtual-fleet.ts'
import { POOLS, REGIONS, aMesh, must } from '../residency/a-mesh.ts'

interface Loop {
  readonly seed: number
  readonly origin: string
  readonly perSecond: number
  readonly config?: MeshConfig
  /** Where a pool really is, as the round trip to it. */
  readonly rtt?: Readonly<Record<string, number>>
  /** Time to first token by pool, milliseconds, round trip included. */
  readonly ttft?: Readonly<Record<string, number>>
}

interface Running {
  readonly fleet: Fleet
  /** Runs on for so long; returns the answers to what was asked in that time. */
  runFor(seconds: number): readonly VirtualAnswer[]
  engine(pool: string): Engine
}

/** Round trips along real cables. */
const RTT_FROM: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'eu-central': { 'eu-1': 1, 'eu-2': 1, 'us-1': 85, 'ap-1': 141 },
  'us-east': { 'eu-1': 85, 'us-1': 1, 'ap-1': 210 },
  'ap-southeast': { 'eu-1': 141, 'us-1': 210, 'ap-1': 1 },
}
const PREFILL_MS = 30
const SHORT = aPrompt(aText('hello', 20))
/** More than any of these loops needs, here and in the pools' config. */
const CAPACITY = 256
const SEEDS = [1, 2, 3]

/** Half of the requests are of one key and half of another, since a pool is not judged by what one alone says. */
function run({ seed, origin, perSecond, config: given = aMesh(), ttft = {}, rtt = {} }: Loop): Running {
  const config = { ...given, pools: given.pools.map((pool) => ({ ...pool, capacity: CAPACITY })) }
  const rttMs = (region: string, pool: string): number => rtt[pool] ?? RTT_FROM[region]?.[pool] ?? 1
  const specOf = (pool: string): EngineSpec => ({
    capacity: CAPACITY,
    baseMs: Math.max(0, (ttft[pool] ?? PREFILL_MS + rttMs(origin, pool)) - rttMs(origin, pool)),
    msPerPromptToken: 0,
    msPerOutputToken: 2,
  })
  const engines = Object.fromEntries(config.pools.map(({ id }) => [id, specOf(id)]))
  const fleet = createFleet({ config, seed, engines, rttMs, reports: { everyMs: 2000 } })
  let sent = 0
  fleet.load(fleet.addEdge(origin), perSecond, () => {
    sent += 1
    return { prompt: SHORT, outputTokens: 100, key: sent % 2 === 0 ? 'a' : 'b' }
  })
  return {
    fleet,
    runFor(seconds) {
      const from = fleet.answers.length
      fleet.time.runUntil(fleet.time.now() + seconds * 1000)
      return fleet.answers.slice(from)
    },
    engine: (pool) => must(fleet.engines.get(pool)),
  }
}

function shareOf(pool: string, answers: readonly VirtualAnswer[]): number {
  return answers.filter(({ asked }) => asked[0] === pool).length / answers.length
}

describe.each(SEEDS)('with chance %i', (seed) => {
  test.each([
    ['eu-central', 'eu-1'],
    ['us-east', 'us-1'],
    ['ap-southeast', 'ap-1'],
  ])('a cold start from %s finds the best pool within ten requests', (origin, best) => {
    const answers = run({ seed, origin, perSecond: 20 }).runFor(60)
    expect(shareOf(best, answers.slice(10))).toBeGreaterThan(0.98)
  })

  test('a best pool that is not the nearest is found within ten requests', () => {
    const answers = run({ seed, origin: 'eu-central', perSecond: 5, ttft: { 'eu-1': 400 } }).runFor(60)
    expect(shareOf('us-1', answers.slice(10))).toBeGreaterThan(0.93)
  })

  test('a pool that lies about being near is tried and left', () => {
    const lying = REGIONS.map((region) =>
      region.id === 'ap-southeast' ? { ...region, latitude: 50, longitude: 8 } : region,
    )
    const config = aMesh({ regions: lying })
    const answers = run({ seed, config, origin: 'eu-central', perSecond: 20 }).runFor(30)
    expect(shareOf('eu-1', answers.slice(10))).toBeGreaterThan(0.97)
  })

  test('a near pool that is listed as far is found within two minutes all the same', () => {
    const lying = REGIONS.map((region) =>
      region.id === 'ap-southeast' ? { ...region, latitude: -40, longitude: 175 } : region,
    )
    const config = aMesh({ regions: lying })
    const near = { rtt: { 'ap-1': 1 }, ttft: { 'eu-1': 80, 'ap-1': 20 } }
    const loop = run({ seed, config, origin: 'eu-central', perSecond: 20, ...near })
    loop.runFor(120)
    expect(shareOf('ap-1', loop.runFor(30))).toBeGreaterThan(0.97)
  })

  test.each([2, 20, 100])(
    'when the best slows down ten-fold, traffic at %i/s has left within ten requests or a second',
    (perSecond) => {
      const loop = run({ seed, origin: 'eu-central', perSecond })
      loop.runFor(20)
      loop.engine('eu-1').slowness = 10
      const after = loop.runFor(10)
      const slowAtMs = must(after[0]).atMs
      const late = after.filter(({ atMs }, index) => index >= 10 && atMs > slowAtMs + 1000)
      expect(shareOf('eu-1', late)).toBeLessThanOrEqual(perSecond > 2 ? 0.03 : 0.1)
    },
  )

  test('while it is slow few requests suffer, and when it has recovered it is used again within 5 s', () => {
    const loop = run({ seed, origin: 'eu-central', perSecond: 20 })
    loop.runFor(20)
    loop.engine('eu-1').slowness = 10
    expect(shareOf('eu-1', loop.runFor(60))).toBeLessThanOrEqual(0.03)
    loop.engine('eu-1').slowness = 1
    loop.runFor(5)
    expect(shareOf('eu-1', loop.runFor(30))).toBeGreaterThan(0.98)
  })

  test('so is a pool that is far, but nearer than the others', () => {
    const config = aMesh({ tenants: [{ id: 't', floor: { jurisdictions: ['us', 'sg'] } }] })
    const loop = run({ seed, config, origin: 'eu-central', perSecond: 20 })
    loop.runFor(20)
    loop.engine('us-1').slowness = 10
    loop.runFor(1)
    expect(shareOf('ap-1', loop.runFor(10))).toBeGreaterThan(0.95)
    loop.engine('us-1').slowness = 1
    loop.runFor(5)
    expect(shareOf('us-1', loop.runFor(30))).toBeGreaterThan(0.98)
  })

  test.each(['refuses', 'saturated'] as const)(
    'a pool that %s is left at once, costs nobody an answer, and is used again within 5 s',
    (fault) => {
      const loop = run({ seed, origin: 'eu-central', perSecond: 20 })
      loop.runFor(20)
      loop.engine('eu-1').fault = fault
      const during = loop.runFor(12)
      expect(shareOf('eu-1', during.slice(4))).toBeLessThan(0.04)
      expect(during.filter(({ ttftMs, atMs }) => ttftMs === undefined && atMs < 31_000)).toEqual([])
      loop.engine('eu-1').fault = undefined
      loop.runFor(5)
      expect(shareOf('eu-1', loop.runFor(20))).toBeGreaterThan(0.98)
    },
  )

  test('one slow answer does not send traffic away', () => {
    const loop = run({ seed, origin: 'eu-central', perSecond: 20 })
    loop.runFor(20)
    loop.engine('eu-1').slowness = 100
    const [slow] = loop.runFor(0.05)
    loop.engine('eu-1').slowness = 1
    expect(must(slow).asked).toEqual(['eu-1'])
    expect(shareOf('eu-1', loop.runFor(30))).toBeGreaterThan(0.97)
  })

  test('at one request a minute, looking again at slow pools stays rare', () => {
    const config = aMesh({ pools: [POOLS[0], { ...POOLS[0], id: 'eu-2' }] })
    const loop = run({ seed, config, origin: 'eu-central', perSecond: 1 / 60, ttft: { 'eu-2': 310 } })
    expect(shareOf('eu-2', loop.runFor(12_000).slice(10))).toBeLessThan(0.12)
  })

  test('never leaves the placement, whatever it measures', () => {
    const config = aMesh({ tenants: [{ id: 't', floor: { jurisdictions: ['eu', 'us'] } }] })
    const ttft = { 'us-1': 900, 'ap-1': 1 }
    const loop = run({ seed, config, origin: 'ap-southeast', perSecond: 20, ttft })
    const answers = [...loop.runFor(5)]
    loop.engine('eu-1').slowness = 10
    answers.push(...loop.runFor(30))
    expect(new Set(answers.flatMap(({ asked }) => asked))).toEqual(new Set(['eu-1', 'us-1']))
  })
})
