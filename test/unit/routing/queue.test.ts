import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LoadReport } from '../../../shared/pool/load-report.ts'
import type { PoolState, Sent } from '../../../shared/pool/snapshot.ts'
import { expectQueue, type Queue } from '../../../shared/routing/queue.ts'
import { aShared, measured } from './routing-fixtures.ts'

const NOW_MS = 50_000
const SERVICE_MS = 2000
const decode = { completionTokens: 100, totalMs: SERVICE_MS, answers: 20 }

/** A pool whose requests take two seconds. */
function pool(changes: Partial<Omit<PoolState, 'measures'>> = {}): PoolState {
  return measured(40, { measures: { decode }, ...changes })
}

function queue(state: PoolState, capacity = 32): Queue {
  return expectQueue({ state, capacity, msPerToken: 0.1, waitingExpectedMs: 100, nowMs: NOW_MS })
}

const load = (changes: Partial<LoadReport>): LoadReport => ({ atMs: NOW_MS, ...changes })
const sent = (...agesMs: readonly number[]): readonly Sent[] =>
  agesMs.map((ageMs) => ({ atMs: NOW_MS - ageMs, tokens: 100 }))

test('an idle pool has none', () => {
  expect(queue(pool())).toEqual({ queueMs: 0, load: 0 })
})

describe('the load is', () => {
  const now = { atMs: NOW_MS }
  test.each<[string, Partial<PoolState>, number]>([
    ['what is pending here, at least', { pending: 16 }, 0.5],
    ['what the mesh has there', { shared: aShared({ ...now, inFlight: 16 }) }, 0.5],
    ['what the pool says', { shared: aShared({ ...now, load: load({ running: 16, waiting: 8 }) }) }, 0.75],
    [
      'by the places the pool says it has',
      { shared: aShared({ ...now, load: load({ running: 16, maxRunning: 16 }) }) },
      1,
    ],
    [
      'the largest of these',
      { pending: 8, shared: aShared({ ...now, inFlight: 16, load: load({ running: 4 }) }) },
      0.5,
    ],
    // e⁻¹ of 16 are still there after 2 s.
    ['less, the longer ago that was', { shared: aShared({ atMs: NOW_MS - 2000, inFlight: 16 }) }, 0.1839],
    [
      'what was told and what was sent since',
      {
        pending: 4,
        sent: sent(100, 100, 100, 100),
        shared: aShared({ ...now, atMs: NOW_MS - 200, inFlight: 0 }),
      },
      0.125,
    ],
    [
      'not what a report says that is too old',
      { shared: aShared({ ...now, load: load({ running: 16, atMs: NOW_MS - 10_001 }) }) },
      0,
    ],
  ])('%s', (_name, changes, expected) => {
    expect(queue(pool(changes)).load).toBeCloseTo(expected, 3)
  })

  test('more where others send there, too: about what they sent of late', () => {
    // Of 100 tokens each, all send 4 a second, ours were 0.4 a second, and each stays for 2 s.
    const shared = aShared({ atMs: NOW_MS - 60_000, tokensPerSecond: 400 })
    const others = pool({ pending: 0, sent: sent(4000, 5000, 6000, 7000), shared })
    expect(queue(others).load).toBeCloseTo((3.6 * 2) / 32, 2)
  })
})

describe('the wait is', () => {
  test('nothing to speak of while a third of the places is free', () => {
    expect(queue(pool({ pending: 21 })).queueMs).toBeLessThan(10)
  })

  test('for those in front where all places are taken', () => {
    const { queueMs } = queue(pool({ pending: 32 }))
    expect(queueMs).toBeGreaterThan(SERVICE_MS / 32)
    expect(queue(pool({ pending: 64 })).queueMs - queueMs).toBeCloseTo(SERVICE_MS, 6)
  })

  test('for the prompts in front, less what has been computed since', () => {
    expect(queue(pool({ waiting: 1, waitingTokens: 1000 })).queueMs).toBe(100)
    const told = (ageMs: number) =>
      pool({ shared: aShared({ load: load({ atMs: NOW_MS - ageMs, waitingTokens: 5000 }) }) })
    expect(queue(told(0)).queueMs).toBe(500)
    expect(queue(told(200)).queueMs).toBe(300)
    expect(queue(told(900)).queueMs).toBe(0)
  })

  test('as long as several wait in vain already, beyond what they should', () => {
    expect(queue(pool({ waiting: 2, waitingSinceMs: NOW_MS - 700 })).queueMs).toBe(600)
    expect(queue(pool({ waiting: 2, waitingSinceMs: NOW_MS - 50 })).queueMs).toBe(0)
  })

  test('not made by one that waits alone, which may be an outlier', () => {
    expect(queue(pool({ waiting: 1, waitingSinceMs: NOW_MS - 700 })).queueMs).toBe(0)
  })
})

test('grows with what is there, and is always a number', () => {
  const counts = fc.record({
    pending: fc.nat(500),
    inFlight: fc.nat(500),
    running: fc.nat(500),
    ageMs: fc.nat(20_000),
    tokensPerSecond: fc.nat(1_000_000),
    sent: fc.array(fc.record({ atMs: fc.integer({ min: 39_000, max: NOW_MS }), tokens: fc.nat(20_000) })),
  })
  fc.assert(
    fc.property(counts, ({ pending, inFlight, running, ageMs, tokensPerSecond, sent: own }) => {
      const atMs = NOW_MS - ageMs
      const withMore = (more: number): Queue =>
        queue(
          pool({
            pending: pending + more,
            sent: own,
            shared: aShared({
              atMs,
              inFlight,
              tokensPerSecond,
              load: load({ atMs, running: running + more }),
            }),
          }),
        )
      const [some, more] = [withMore(0), withMore(10)]
      expect(Number.isFinite(some.queueMs) && some.queueMs >= 0).toBe(true)
      expect(more.load).toBeGreaterThanOrEqual(some.load)
    }),
  )
})
