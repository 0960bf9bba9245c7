/** What an operator can set, in a closed loop: prices, a bound on running tokens, and pools that are taken out. */
import { describe, expect, test } from 'vitest'
import { aPrompt, aText, createFleet, type Fleet } from '../../support/virtual-fleet.ts'
import { aMesh, POOLS } from '../residency/a-mesh.ts'

const PROMPT_TOKENS = 100
const OUTPUT_TOKENS = 100

/** 20 requests a second from Frankfurt to a pool in Frankfurt and one in Virginia, 90 ms away. */
function twoPools(seed: number, near: object, routing: object = {}): Fleet {
  const config = aMesh({ pools: [{ ...POOLS[0], ...near }, POOLS[1]], routing })
  const engine = { capacity: 32, baseMs: 20, msPerPromptToken: 0.02, msPerOutputToken: 5 }
  const fleet = createFleet({
    config,
    seed,
    engines: { 'eu-1': engine, 'us-1': engine },
    rttMs: (_region, pool) => (pool === 'us-1' ? 90 : 1),
    reports: { everyMs: 2000 },
  })
  let count = 0
  fleet.load(fleet.addEdge('eu-central'), 20, () => {
    count += 1
    return { prompt: aPrompt(aText(`question ${count}`, PROMPT_TOKENS)), outputTokens: OUTPUT_TOKENS }
  })
  return fleet
}

function shareOfNear(fleet: Fleet, seconds: number): number {
  const from = fleet.answers.length
  fleet.time.runUntil(fleet.time.now() + seconds * 1000)
  const answers = fleet.answers.slice(from)
  return answers.filter(({ asked }) => asked[0] === 'eu-1').length / answers.length
}

describe.each([1, 2, 3])('with chance %i', (seed) => {
  // The near one costs a cent more for a request.
  const dear = { price: { prompt: 100, completion: 0 } }

  test('the cheap pool is preferred where latencies differ by less than the price is worth', () => {
    const fleet = twoPools(seed, dear, { ms_per_cent: 200 })
    fleet.time.runUntil(5000)
    expect(shareOfNear(fleet, 30)).toBeLessThan(0.05)
  })

  test('but not where they differ by more, nor where prices do not count', () => {
    for (const msPerCent of [0, 40]) {
      const fleet = twoPools(seed, dear, { ms_per_cent: msPerCent })
      fleet.time.runUntil(5000)
      expect(shareOfNear(fleet, 30)).toBeGreaterThan(0.95)
    }
  })

  test('a pool whose power is capped runs no more tokens at once than it may', () => {
    const most = 4
    const fleet = twoPools(seed, {
      max_running_tokens: Math.ceil((most + 0.5) * (PROMPT_TOKENS + OUTPUT_TOKENS)),
    })
    let highest = 0
    for (let ms = 5000; ms < 35_000; ms += 50) {
      fleet.time.runUntil(ms)
      highest = Math.max(highest, fleet.engines.get('eu-1')?.reading()?.running ?? 0)
    }
    expect(highest).toBe(most)
  })

  test('a pool that is taken out gets nothing once that is known, and all again when it is back', () => {
    const fleet = twoPools(seed, {})
    fleet.time.runUntil(10_000)
    fleet.monitors?.drain('eu-1', true)
    fleet.time.runUntil(14_000)
    expect(shareOfNear(fleet, 10)).toBe(0)
    fleet.monitors?.drain('eu-1', false)
    fleet.time.runUntil(28_000)
    expect(shareOfNear(fleet, 10)).toBeGreaterThan(0.95)
  })
})
