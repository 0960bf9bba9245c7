/** All pools in the EU go wrong under half of the load: who must stay there is refused with the right word, the others go on. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  askAs,
  askedOf,
  COLOS,
  manyRequests,
  startChaosMesh,
  strayed,
  TENANTS,
  type ChaosMesh,
  type Told,
} from '../support/chaos.ts'
import type { Misdeed } from '../support/marked-pools.ts'
import { restartObjects } from '../support/restart.ts'

const LONG_MS = 120_000
const WAIT = { timeout: 60_000, interval: 300 }
const SOON = { timeout: 20_000, interval: 10 }
const HALF = 24
/** Of them, those that are surely being answered in the EU: two of three tenants may go nowhere else. */
const UNDER_WAY = HALF / 2
/** Of an answer that is whole. */
const WORDS = 30
/** What a stream, or a JSON that was being made, may be told when its last pool is gone. */
const BROKEN = ['stream_truncated', 'pool_stream_error', 'stream_stalled']

let chaos: ChaosMesh
// Anew for each, so that no pool is still avoided for what it did before.
beforeEach(async () => {
  chaos = await startChaosMesh()
})
// First of all, and whatever else went wrong.
afterEach(async () => {
  const { others } = chaos
  await chaos.stop()
  expect(strayed(others)).toBe(0)
})

function does(what: readonly [Misdeed, Misdeed] | undefined): void {
  chaos.eu.forEach((pool, index) => pool.does(what?.[index]))
}

async function untilAllAreServed(): Promise<void> {
  const isServed = async (): Promise<boolean> => {
    const told = await Promise.all(
      TENANTS.flatMap((tenant) => COLOS.map((colo) => askAs(chaos.mesh, tenant, colo, { max_tokens: 2 }))),
    )
    return told.every(({ status, error }) => status === 200 && error === undefined)
  }
  await expect.poll(isServed, WAIT).toBe(true)
}

/** What is wrong with what a request was told; undefined if it is as it should be. */
function wrongWith(told: Told, mayBreak: boolean): unknown {
  const { tenant, status, error, retryAfter, isStream, isDone, words } = told
  const isWhole = status === 200 && error === undefined && words === WORDS && (!isStream || isDone)
  if (isWhole) return undefined
  if (tenant !== 'demo' && status === 503 && error === 'no_eligible_pool')
    return retryAfter === null ? told : undefined
  if (tenant !== 'demo' && status === 504 && error === 'pool_timeout') return undefined
  // Whoever may go elsewhere does, unless it was being answered; then it is cut where nobody can go on.
  if (tenant === 'demo' && !mayBreak) return told
  if (mayBreak && error !== undefined && BROKEN.includes(error)) {
    const isTold = isStream ? status === 200 && isDone : status === 502 || status === 504
    return isTold ? undefined : told
  }
  return told
}

/** What one pool in the EU does and what the other one does, and whether all objects die with them. */
const MISDEEDS: readonly (readonly [string, () => readonly [Misdeed, Misdeed], boolean])[] = [
  ['die', () => [{ kind: 'dead' }, { kind: 'dead' }], false],
  [
    'die or answer 500, and all objects with them',
    () => [{ kind: 'dead' }, { kind: 'echoes', status: 500 }],
    true,
  ],
  ['stall', () => [{ kind: 'stalls' }, { kind: 'stalls' }], false],
  ['redirect or answer garbage', () => [redirecting(), { kind: 'garbage' }], false],
]

function redirecting(): Misdeed {
  return { kind: 'redirects', to: `${chaos.others[0]?.url}/v1/chat/completions` }
}

describe('all pools in the EU', () => {
  test.each(MISDEEDS)(
    '%s: nobody who must stay goes elsewhere, who may does, and all are served again afterwards',
    async (_name, misdeeds, isRestarted) => {
      await untilAllAreServed()
      const before = { eu: askedOf(chaos.eu), others: askedOf(chaos.others) }
      const early = manyRequests(chaos.mesh, HALF)
      // Half of them are under way, most of them in the EU.
      await expect.poll(() => askedOf(chaos.eu) - before.eu, SOON).toBeGreaterThanOrEqual(UNDER_WAY)
      does(misdeeds())
      if (isRestarted) await restartObjects(chaos.mesh)
      const late = manyRequests(chaos.mesh, HALF)
      const [ofEarly, ofLate] = await Promise.all([Promise.all(early), Promise.all(late)])

      expect(ofEarly.map((told) => wrongWith(told, true)).filter((wrong) => wrong !== undefined)).toEqual([])
      expect(ofLate.map((told) => wrongWith(told, false)).filter((wrong) => wrong !== undefined)).toEqual([])
      // Guards the test itself: it was felt, and there was somewhere to go.
      const restricted = [...ofEarly, ...ofLate].filter(({ tenant }) => tenant !== 'demo')
      expect(restricted.filter(({ error }) => error !== undefined).length).toBeGreaterThan(HALF / 2)
      expect(strayed(chaos.others)).toBe(0)
      expect(askedOf(chaos.others)).toBeGreaterThan(before.others)
      does(undefined)
      await untilAllAreServed()
    },
    LONG_MS,
  )
})
