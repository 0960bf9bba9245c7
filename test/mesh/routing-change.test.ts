/**
 * A mesh under change, at twenty requests a second: a pool that slows down, dies or fills is left within five seconds, and used
 * again within five seconds of being well; and whatever happens to it, no client notices.
 */
import { afterEach, expect, test } from 'vitest'
import type { Faults } from '../../tools/local/engine/faults.ts'
import type { ChatOptions } from '../support/chat.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { settledIn, startTraffic, type Served, type Traffic } from '../support/steady-traffic.ts'

const PER_SECOND = 20
const WITHIN_MS = 5_000
/** Of two tenants in turn: what happens to one alone may be its own doing, and moves nobody else. */
const TENANTS = ['demo', 'eu-bank'] as const
const SHORT = TENANTS.map((tenant): ChatOptions => ({ tenant, body: { max_tokens: 2 } }))
const NEAR = 'eu-central'

const WELL_FOR_MS = 2_000
const ILL_FOR_MS = 8_000
/** What is left of it when it may just have been rejoined has to show that it is used. */
const WELL_AGAIN_FOR_MS = WITHIN_MS + 1_500
const LONG_MS = 60_000

/** Looks at a pool that was left: one in three seconds, and never more than 5 % of the requests. */
const LOOK_EVERY_MS = 3_000
const LOOK_SHARE = 0.05
/** Of a pool that is used: on a busy machine one in ten may look elsewhere or seem slow. */
const ELSEWHERE_SHARE = 0.1

let mesh: TestMesh | undefined
let traffic: Traffic | undefined
afterEach(async () => {
  await traffic?.stop()
  await mesh?.stop()
  mesh = undefined
  traffic = undefined
})

const CHANGES: readonly (readonly [string, Faults, readonly ChatOptions[]])[] = [
  ['ten times slower', { slow_factor: 10 }, SHORT],
  ['dead', { down: true }, SHORT],
  ['full', { status: 429 }, SHORT],
  ['failing, in a mesh with one client,', { status: 500 }, SHORT.slice(0, 1)],
]

test.each(CHANGES)(
  'a pool that is %s is left within five seconds, and rejoined within five seconds of being well',
  async (_what, faults, clients) => {
    // Ten times this is far more than the way to any other pool, and than what a busy machine adds.
    mesh = await startMesh({
      colos: ['FRA'],
      engine: { prefillOverheadMs: 100, maxNumSeqs: 64 },
      config: (urls) => aMeshConfig(urls, { tenants: TENANTS.map(unbound) }),
    })
    const engine = mesh.engines[NEAR]
    const running = (traffic = startTraffic(mesh, 'FRA', PER_SECOND, clients))
    const until = (ms: number) =>
      expect.poll(() => running.nowMs() >= ms, { timeout: LONG_MS, interval: 20 }).toBe(true)

    await expect.poll(() => isWell(running), { timeout: LONG_MS / 2, interval: 100 }).toBe(true)
    const illAtMs = running.nowMs()
    engine?.setFaults(faults)
    await until(illAtMs + ILL_FOR_MS)
    const wellAtMs = running.nowMs()
    engine?.clearFaults()
    await until(wellAtMs + WELL_AGAIN_FOR_MS)
    const endedAtMs = running.nowMs()
    await running.stop()

    const served = running.served()
    const left = settledIn(served, [illAtMs, wellAtMs], (one) => !isNear(one), looksOnly)
    const rejoined = settledIn(served, [wellAtMs, endedAtMs], isNear, fewElsewhere)
    expect(left?.afterMs ?? Infinity, shown(served)).toBeLessThanOrEqual(WITHIN_MS)
    expect(rejoined?.afterMs ?? Infinity, shown(served)).toBeLessThanOrEqual(WITHIN_MS)
    // Every request was answered by a pool, and at the rate.
    expect(served.filter(({ pool }) => !/^(eu|us|ap)-/.test(pool)).slice(0, 10)).toEqual([])
    expect(served.length).toBeGreaterThanOrEqual(Math.floor((endedAtMs * PER_SECOND) / 1000) - 1)
  },
  LONG_MS,
)

function unbound(id: (typeof TENANTS)[number]): object {
  return { id, floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(KEYS[id]) }] }
}

/** For some seconds nearly all were there. */
function isWell(running: Traffic): boolean {
  const nowMs = running.nowMs()
  const well = settledIn(running.served(), [nowMs - WELL_FOR_MS, nowMs], isNear, fewElsewhere)
  return nowMs > 1.5 * WELL_FOR_MS && well !== undefined && well.afterMs < WELL_FOR_MS / 10
}

function isNear({ pool }: Served): boolean {
  return pool === NEAR
}

function looksOnly(requests: number, ms: number): number {
  return Math.min(Math.ceil(ms / LOOK_EVERY_MS), Math.ceil(LOOK_SHARE * requests))
}

function fewElsewhere(requests: number): number {
  return Math.floor(ELSEWHERE_SHARE * requests)
}

/** One line per second: who answered how many. */
function shown(served: readonly Served[]): string {
  const seconds = Map.groupBy(served, ({ atMs }) => Math.floor(atMs / 1000))
  return [...seconds]
    .map(([second, all]) => {
      const pools = [...Map.groupBy(all, ({ pool }) => pool)].map(([pool, ones]) => `${pool} ${ones.length}`)
      return `${second} s: ${pools.join(', ')}; ${all[0]?.route ?? ''}`
    })
    .join('\n')
}
