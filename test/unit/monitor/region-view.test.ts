/** What a region's monitor makes of its observers' reports and of what pools' monitors answer. */
import { describe, expect, test } from 'vitest'
import { isProbeDue } from '../../../shared/monitor/region-rounds.ts'
import {
  accept,
  createRegionView,
  keepProbe,
  keepStatus,
  shareOf,
  snapshot,
  type RegionMonitorView,
  type WatchedPool,
} from '../../../shared/monitor/region-view.ts'
import { levelMs } from '../../../shared/pool/prefill-fit.ts'
import { observeRatio } from '../../../shared/pool/token-ratio.ts'
import { aFirstToken, aReport, aServed } from './a-report.ts'

const T0 = 1_000_000

function aView(): RegionMonitorView {
  return createRegionView('eu', ['near', 'far'], ['story'])
}

function poolOf(view: RegionMonitorView, id: string): WatchedPool {
  const pool = view.pools.get(id)
  if (pool === undefined) throw new Error('no such pool')
  return pool
}

/** Has the monitor of each pool answer that it knows of nothing beyond what it was told. */
function hearOfAll(view: RegionMonitorView, nowMs: number): void {
  for (const [id, pool] of view.pools) {
    const { region: _region, ...told } = shareOf(view, id, nowMs)
    keepStatus(pool, shareOf(view, id, nowMs), { ...told, isDrained: false }, nowMs)
  }
}

test('one that has just begun knows nothing, and says so', () => {
  expect(snapshot(aView(), T0)).toEqual({ region: 'eu', atMs: T0, pools: {}, tokenRatios: {} })
})

test('a pool is in the snapshot once its monitor was asked, also in vain', () => {
  const view = aView()
  accept(view, aReport({ observations: [aFirstToken({ atMs: T0 })] }), T0)
  expect(snapshot(view, T0).pools).toEqual({})
  keepStatus(poolOf(view, 'near'), shareOf(view, 'near', T0), undefined, T0)
  const { near } = snapshot(view, T0).pools
  expect(near).toMatchObject({ inFlight: 0, isDrained: false })
  expect(near && levelMs(near.measures.prefill)).toBeGreaterThan(0)
})

test('folds together what different observers have seen', () => {
  const view = aView()
  for (const observer of ['a', 'b', 'c']) {
    const observations = [aFirstToken({ askedAtMs: T0, atMs: T0 + 100 })]
    accept(view, aReport({ observer, observations, inFlight: { near: 2 } }), T0 + 200)
  }
  hearOfAll(view, T0 + 200)
  expect(snapshot(view, T0 + 200).pools['near']?.inFlight).toBe(6)
  expect(snapshot(view, T0 + 10_201).pools['near']?.inFlight).toBe(0)
})

test('learns bytes per token from answers, of the models that there are', () => {
  const view = aView()
  const observations = [
    aServed({ promptBytes: 300_000, promptTokens: 100_000 }),
    aServed({ model: 'unknown' }),
    aServed({ model: '__proto__' }),
  ]
  accept(view, aReport({ observations }), T0)
  const { tokenRatios } = snapshot(view, T0)
  expect(Object.keys(tokenRatios)).toEqual(['story'])
  expect(tokenRatios['story']).toEqual(observeRatio(undefined, 300_000, 100_000))
})

test('an answer whose pool counts nothing teaches no ratio', () => {
  const view = aView()
  const { promptTokens: _none, ...uncounted } = aServed()
  accept(view, aReport({ observations: [uncounted] }), T0)
  expect(snapshot(view, T0).tokenRatios).toEqual({})
})

test('keeps nothing of pools that the mesh does not have', () => {
  const view = aView()
  const report = aReport({
    observations: [aFirstToken({ pool: 'elsewhere' })],
    inFlight: { elsewhere: 3 },
    sentTokens: { elsewhere: 100 },
  })
  accept(view, report, T0)
  expect([...view.pools.keys()]).toEqual(['near', 'far'])
  expect(view.tally.totals.size).toBe(0)
})

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('%s in flight, or sent, is none', (figure) => {
  const view = aView()
  accept(view, aReport({ inFlight: { near: figure }, sentTokens: { near: figure } }), T0)
  expect(shareOf(view, 'near', T0)).toEqual({ region: 'eu', inFlight: 0, tokensPerSecond: 0 })
})

test('takes the newest 256 observations of a report', () => {
  const view = aView()
  const many = Array.from({ length: 300 }, (_, n) =>
    n < 44 ? aFirstToken({ pool: 'far' }) : aFirstToken({ pool: 'near' }),
  )
  accept(view, aReport({ observations: many }), T0)
  expect(poolOf(view, 'far').observedAtMs).toBeUndefined()
  expect(poolOf(view, 'near').observedAtMs).toBe(1_000)
})

test('an observer whose clock is ahead has not seen the future', () => {
  const view = aView()
  accept(view, aReport({ observations: [aFirstToken({ atMs: T0 + 60_000 })] }), T0)
  expect(poolOf(view, 'near').observedAtMs).toBe(T0)
})

describe('what the pools’ monitors say', () => {
  test('of other regions is added to what is in flight here now', () => {
    const view = aView()
    accept(view, aReport({ inFlight: { near: 2 }, sentTokens: { near: 1_000 } }), T0)
    const told = shareOf(view, 'near', T0)
    expect(told).toEqual({ region: 'eu', inFlight: 2, tokensPerSecond: 100 })
    keepStatus(poolOf(view, 'near'), told, { inFlight: 7, tokensPerSecond: 150, isDrained: false }, T0)
    accept(view, aReport({ inFlight: { near: 3 }, sentTokens: { near: 1_000 } }), T0 + 500)
    expect(snapshot(view, T0 + 500).pools['near']).toMatchObject({ inFlight: 8, tokensPerSecond: 250 })
  })

  test('of figures is forgotten after ten seconds; that a pool was taken out is not', () => {
    const view = aView()
    const load = { running: 5, atMs: T0 - 4_000 }
    const status = { load, inFlight: 7, tokensPerSecond: 150, isDrained: true }
    keepStatus(poolOf(view, 'near'), shareOf(view, 'near', T0), status, T0)
    expect(snapshot(view, T0 + 6_000).pools['near']).toMatchObject({ load, inFlight: 7, isDrained: true })
    const { near } = snapshot(view, T0 + 6_001).pools
    expect(near).not.toHaveProperty('load')
    expect(near).toMatchObject({ inFlight: 7, tokensPerSecond: 150 })
    const later = snapshot(view, T0 + 10_001).pools['near']
    expect(later).toMatchObject({ inFlight: 0, tokensPerSecond: 0, isDrained: true })
  })

  test('holds until they say something else, also while they do not answer', () => {
    const view = aView()
    const near = poolOf(view, 'near')
    const told = shareOf(view, 'near', T0)
    keepStatus(near, told, { inFlight: 7, tokensPerSecond: 0, isDrained: true }, T0)
    keepStatus(near, told, undefined, T0 + 1_000)
    expect(snapshot(view, T0 + 1_000).pools['near']).toMatchObject({ inFlight: 7, isDrained: true })
    keepStatus(near, told, { inFlight: 1, tokensPerSecond: 0, isDrained: false }, T0 + 2_000)
    expect(snapshot(view, T0 + 2_000).pools['near']).toMatchObject({ inFlight: 1, isDrained: false })
  })
})

test('a pool that a probe reached, when requests could not, may be tried again at once', () => {
  const view = aView()
  const lost = ['a', 'b', 'c'].map((key, n) => ({
    kind: 'failed' as const,
    pool: 'near',
    failure: 'unreachable' as const,
    key,
    sawFirstToken: false,
    askedAtMs: T0 + n,
    atMs: T0 + n + 1,
  }))
  accept(view, aReport({ observations: lost }), T0 + 10)
  const near = poolOf(view, 'near')
  expect(near.measures.breaker.kind).toBe('open')
  expect(isProbeDue(near, T0 + 500)).toBe(true)
  keepProbe(near, { isAlive: true, tookMs: 12 }, T0 + 600)
  expect(near.measures.breaker).toMatchObject({ kind: 'open', untilMs: T0 + 600 })
  expect(near.measures.roundTrip?.costMs).toBe(12)
})

test('the time that a failed probe took says nothing about the way', () => {
  const view = aView()
  const near = poolOf(view, 'near')
  keepProbe(near, { isAlive: false, tookMs: 2_000 }, T0)
  expect(near.measures.roundTrip).toBeUndefined()
})

test('a snapshot survives JSON', () => {
  const view = aView()
  accept(view, aReport({ observations: [aFirstToken(), aServed()], inFlight: { near: 1 } }), T0)
  hearOfAll(view, T0)
  const told = snapshot(view, T0)
  expect(JSON.parse(JSON.stringify(told))).toEqual(told)
})
