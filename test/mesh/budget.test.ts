/**
 * A budget is never overspent beyond the stated bound, and not under-served either; and whatever clients and objects do, what
 * was settled is what the requests' records say, to the micro-dollar.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin } from '../support/admin.ts'
import { chat } from '../support/chat.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { restartObjects } from '../support/restart.ts'

const COLOS = ['FRA', 'IAD', 'SIN']
const CLIENTS = 64
const ANSWERS = 1000
const TOKENS = 4
/** Micro-dollars for a token; prompts cost nothing, so that every answer costs the same. */
const PRICE = 100
const COSTS = TOKENS * PRICE
const WAIT = { timeout: 30_000, interval: 200 }

interface Totals {
  readonly total: {
    readonly requests: number
    readonly cost_microdollars: number
    readonly completion_tokens: number
  }
  readonly unsettled: { readonly microdollars: number }
  readonly spent: Readonly<Record<string, { readonly microdollars: number }>>
}

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({
    colos: COLOS,
    distances: false,
    engine: { maxNumSeqs: 64, interTokenLatencyMs: 10 },
    config: (urls) => {
      const { pools } = aMeshConfig(urls)
      const key = (tenant: keyof typeof KEYS) => [{ id: 'k1', sha256: sha256(KEYS[tenant]) }]
      const budget = { period: 'total', dollars: (ANSWERS * COSTS) / 1_000_000 }
      return aMeshConfig(urls, {
        pools: pools.map((pool) => ({ ...pool, price: { completion: PRICE } })),
        tenants: [
          { id: 'demo', floor: { anywhere: true }, keys: key('demo'), budget },
          { id: 'eu-bank', floor: { jurisdictions: ['eu'] }, keys: key('eu-bank'), budget },
        ],
      })
    },
  })
})
afterAll(() => mesh.stop())

const BODY = { temperature: 1, stream: true, max_tokens: TOKENS, ignore_eos: true }

async function usageOf(tenant: string): Promise<Totals> {
  return (await (await admin(mesh, 'FRA', `/tenants/${tenant}/usage?group_by=`)).json()) as Totals
}

function linesOf(tenant: string): { status: number; outcome: string; cost_microdollars?: number }[] {
  return mesh.logs
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { event: string; tenant?: string; status: number; outcome: string })
    .filter((line) => line.event === 'request' && line.tenant === tenant)
}

/** Asks until the budget is spent. Gives how many whole answers the client had. */
async function spend(tenant: keyof typeof KEYS, number: number, leavesNow: () => boolean): Promise<number> {
  const colo = COLOS[number % COLOS.length] ?? 'FRA'
  let whole = 0
  for (let turn = 0; ; turn += 1) {
    const leaving = new AbortController()
    const isLeaving = leavesNow()
    try {
      const response = await chat(mesh, colo, `${number} ${turn}`, {
        tenant,
        body: BODY,
        signal: leaving.signal,
      })
      // The answer has begun, and its end is some time away.
      if (isLeaving && response.status === 200) setTimeout(() => leaving.abort(), turn % 7)
      const text = await response.text()
      if (response.status === 200 && text.includes('[DONE]')) whole += 1
      if (response.status === 429 && text.includes('insufficient_quota')) {
        expect(response.headers.get('x-should-retry')).toBe('false')
        return whole
      }
      if (response.status !== 200) await new Promise((resolve) => setTimeout(resolve, 100))
    } catch (error) {
      if (!leaving.signal.aborted) throw error
    }
  }
}

/** When everybody has told: nothing is in slices, and every request is counted. */
async function settled(tenant: string): Promise<Totals> {
  await expect
    .poll(async () => {
      const { total, unsettled } = await usageOf(tenant)
      const admitted = linesOf(tenant).filter(({ cost_microdollars: cost }) => cost !== undefined)
      return [unsettled.microdollars, total.requests - admitted.length]
    }, WAIT)
    .toEqual([0, 0])
  return usageOf(tenant)
}

test('64 clients in three data centres get as many answers as their budget allows, and at most one reservation more', async () => {
  const whole = await Promise.all(
    Array.from({ length: CLIENTS }, (_, index) => spend('demo', index, () => false)),
  )
  const served = whole.reduce((sum, count) => sum + count, 0)
  // A reservation is an answer's price here, so that less than one is overspent: nothing.
  expect(served).toBe(ANSWERS)
  const { total, spent } = await settled('demo')
  expect(total.cost_microdollars).toBe(ANSWERS * COSTS)
  expect(spent['total']?.microdollars).toBe(ANSWERS * COSTS)
}, 120_000)

test('also when the ledger is restarted in the middle and clients leave at random: settled is what the records say', async () => {
  const random = { next: 7 }
  const leavesNow = (): boolean => {
    random.next = (random.next * 48_271) % 2_147_483_647
    return random.next % 5 === 0
  }
  const spending = Promise.all(
    Array.from({ length: CLIENTS }, (_, index) => spend('eu-bank', index, leavesNow)),
  )
  for (const served of [200, 400, 600]) {
    await expect.poll(() => linesOf('eu-bank').length, { ...WAIT, timeout: 60_000 }).toBeGreaterThan(served)
    await restartObjects(mesh)
  }
  await spending
  const { total, spent } = await settled('eu-bank')
  const recorded = linesOf('eu-bank').reduce((sum, line) => sum + (line.cost_microdollars ?? 0), 0)
  expect(total.cost_microdollars).toBe(recorded)
  expect(spent['total']?.microdollars).toBe(recorded)
  expect(recorded).toBeGreaterThanOrEqual(ANSWERS * COSTS)
  expect(recorded).toBeLessThan(ANSWERS * COSTS + COSTS)
  // Guards the test itself: some did leave, and the money went all the same.
  expect(linesOf('eu-bank').filter(({ outcome }) => outcome === 'client_cancelled').length).toBeGreaterThan(
    10,
  )
}, 180_000)
