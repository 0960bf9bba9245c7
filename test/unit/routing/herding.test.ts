/** Many edges with the same old reports must not all go to the same pool, nor any of them to and fro. */
import { describe, expect, test } from 'vitest'
import type { Reports } from '../../support/virtual-monitors.ts'
import { aPrompt, aText, type Fleet } from '../../support/virtual-fleet.ts'
import { EDGES, EQUAL_POOLS, PER_SECOND, equalPools, rejoins, worstShare } from './equal-pools.ts'

const SEEDS = [1, 2, 3]
/** On a machine that does much else. */
const PATIENCE = { timeout: 30_000 }
const WARM_UP_MS = 10_000
const STALE: readonly [string, Reports, number][] = [
  ['that come every second', { everyMs: 1000 }, 30_000],
  ['that come every 5 s', { everyMs: 5000 }, 30_000],
  ['that are 5 s old', { everyMs: 2000, lateMs: 5000 }, 30_000],
  ['that come every 30 s', { everyMs: 30_000 }, 50_000],
  ['that are 30 s old', { everyMs: 2000, lateMs: 30_000 }, 50_000],
]
const EVEN = Array.from({ length: EDGES }, () => 1 / EDGES)
/** Half of the traffic comes to one edge. */
const UNEVEN = [0.5, ...Array.from({ length: EDGES - 1 }, () => 0.5 / (EDGES - 1))]

/** Every request has a prompt of its own, of so many tokens. */
function load(fleet: Fleet, shares: readonly number[], tokens: number): void {
  let count = 0
  for (const [edge, share] of shares.entries()) {
    fleet.load(edge, PER_SECOND * share, () => {
      count += 1
      return { prompt: aPrompt(aText(`question ${count}`, tokens)), outputTokens: 100 }
    })
  }
}

describe.each(SEEDS)('with chance %i', PATIENCE, (seed) => {
  test.each(STALE)(
    'the busiest pool gets at most 1.3 times the mean with reports %s',
    (_name, reports, untilMs) => {
      const fleet = equalPools({ seed, reports })
      load(fleet, EVEN, 100)
      fleet.time.runUntil(untilMs)
      expect(worstShare(fleet.answers, WARM_UP_MS, untilMs)).toBeLessThanOrEqual(1.3)
    },
  )

  test.each<[string, readonly number[], number, number]>([
    ['one edge has half of the traffic', UNEVEN, 100, 0],
    ['prompts are hashed', EVEN, 300, 0],
    ['engines take twice as long when they are full', EVEN, 100, 1],
  ])('nor more when %s', (_name, shares, tokens, slowDown) => {
    // Those that slow down as they fill get as full with less work.
    const utilisation = slowDown === 0 ? 0.65 : 0.4
    const reports = { everyMs: 2000, lateMs: 5000 }
    const fleet = equalPools({ seed, reports, utilisation, spec: { slowDown } })
    load(fleet, shares, tokens)
    fleet.time.runUntil(30_000)
    expect(worstShare(fleet.answers, WARM_UP_MS, 30_000)).toBeLessThanOrEqual(1.3)
  })

  test.each([0.1, 0.2])('no pool is left and rejoined while nothing changes, with noise of %d', (noise) => {
    const untilMs = 70_000
    const fleet = equalPools({ seed, reports: { everyMs: 2000 }, spec: { noise } })
    load(fleet, EVEN, 100)
    fleet.time.runUntil(untilMs)
    for (const pool of EQUAL_POOLS) {
      for (let edge = 0; edge < EDGES; edge += 1) {
        expect(rejoins(fleet.answers, edge, pool, [WARM_UP_MS, untilMs])).toBe(0)
      }
    }
  })
})
