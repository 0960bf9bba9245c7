/** When pools' monitors are asked, and pools probed. */
import { describe, expect, test } from 'vitest'
import { isAskDue, isProbeDue, tickAfterMs } from '../../../shared/monitor/region-rounds.ts'
import type { WatchedPool } from '../../../shared/monitor/region-view.ts'
import { recordProbe, type Breaker } from '../../../shared/pool/circuit-breaker.ts'
import { UNMEASURED } from '../../../shared/pool/pool-measures.ts'

const T0 = 1_000_000

function aPool(changes: Partial<WatchedPool> = {}): WatchedPool {
  return { measures: UNMEASURED, sent: { seconds: [] }, isAsked: false, ...changes }
}

test('ticks are a second apart, a fifth more or less', () => {
  expect([0, 0.5, 1].map(tickAfterMs)).toEqual([800, 1_000, 1_200])
})

describe('a pool’s monitor is asked', () => {
  test.each([
    ['at the first tick', {}, true],
    ['at every tick while the pool is in use', { askedAtMs: T0 - 800, usedAtMs: T0 - 29_999 }, true],
    ['not at every tick once it is not', { askedAtMs: T0 - 4_999, usedAtMs: T0 - 30_000 }, false],
    ['but every five seconds', { askedAtMs: T0 - 5_000, usedAtMs: T0 - 30_000 }, true],
    ['also if it never was', { askedAtMs: T0 - 5_000 }, true],
  ])('%s', (_name, pool, isDue) => {
    expect(isAskDue(aPool(pool), T0)).toBe(isDue)
  })
})

describe('a pool is probed', () => {
  test.each([
    ['if nothing is known of it', {}, true],
    ['not while traffic measures it', { observedAtMs: T0 - 9_999 }, false],
    ['when traffic has not for ten seconds', { observedAtMs: T0 - 10_000 }, true],
    ['not more often than every five seconds', { observedAtMs: T0 - 60_000, probedAtMs: T0 - 4_999 }, false],
    ['again after that', { observedAtMs: T0 - 60_000, probedAtMs: T0 - 5_000 }, true],
  ])('%s', (_name, pool, isDue) => {
    expect(isProbeDue(aPool(pool), T0)).toBe(isDue)
  })

  test('at every tick while it cannot be reached, until a probe reached it', () => {
    const breaker = anOpen('unreachable')
    const pool = aPool({ measures: { ...UNMEASURED, breaker }, observedAtMs: T0 - 500, probedAtMs: T0 - 900 })
    expect(isProbeDue(pool, T0)).toBe(true)
    pool.measures = { ...UNMEASURED, breaker: recordProbe(breaker, false, T0) }
    expect(isProbeDue(pool, T0 + 1_000)).toBe(true)
    pool.measures = { ...UNMEASURED, breaker: recordProbe(breaker, true, T0) }
    expect(isProbeDue(pool, T0 + 1_000)).toBe(false)
  })

  test('not at every tick where it only fails: that it is there is known', () => {
    const measures = { ...UNMEASURED, breaker: anOpen('failing') }
    expect(isProbeDue(aPool({ measures, observedAtMs: T0 - 500 }), T0)).toBe(false)
  })
})

function anOpen(cause: Extract<Breaker, { kind: 'open' }>['cause']): Breaker {
  const untilMs = T0 + 1_000
  return { kind: 'open', sinceMs: T0 - 1_000, untilMs, openMs: 2_000, cause, answers: false, failures: [] }
}
