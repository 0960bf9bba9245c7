/** The books of a tenant's ledger: written before they are answered, each batch once, and nothing lost by a restart. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Batch } from '../../../shared/ledger/batch.ts'
import type { Terms } from '../../../shared/ledger/terms.ts'
import { NO_USAGE, type UsageEntry } from '../../../shared/ledger/usage.ts'
import type { DrawRequest } from '../../../workers/objects/ledger-rpc.ts'
import { aLedger } from '../support/ledgers.ts'

// Far ahead, so that the platform runs no alarm by itself.
const NOW_MS = Date.UTC(2031, 10, 24, 12, 0, 0)
const NEED = { microdollars: 100, tokens: 50, requests: 1, places: 1 }
const WANT = { microdollars: 400, tokens: 200, requests: 4, places: 4 }
const ALL = { from: '2031-01-01', to: '2031-12-31', groupBy: [] }
const NO_BATCH: Omit<Batch, 'id'> = { entries: [], releases: [], voids: [], outputs: [] }

let ledger = aLedger()
beforeEach(() => {
  ledger = aLedger()
  at(NOW_MS)
})
afterEach(() => {
  vi.restoreAllMocks()
})

function at(nowMs: number): void {
  vi.spyOn(Date, 'now').mockReturnValue(nowMs)
}

function dollars(microdollars: number): Terms {
  return { budget: { period: 'month', microdollars } }
}

function ask(id: string, terms: Terms, changes: Partial<DrawRequest> = {}): DrawRequest {
  return { id, scope: '', terms, need: NEED, want: WANT, ...changes }
}

function entry(changes: Partial<UsageEntry> = {}): UsageEntry {
  return { ...NO_USAGE, model: 'story', pool: 'eu', key: 'k1', kind: 'completed', requests: 1, ...changes }
}

async function spentOf(scope?: string) {
  const { spent } = await ledger.usage({ ...ALL, ...(scope === undefined ? {} : { key: scope }) })
  return spent['2031-11']
}

test('a batch is booked once, however often it comes, and also after a restart', async () => {
  const batch = {
    ...NO_BATCH,
    id: 'b1',
    entries: [entry({ microdollars: 70, promptTokens: 5, completionTokens: 2 })],
  }
  await ledger.settle(batch)
  await ledger.settle(batch)
  await evictDurableObject(ledger)
  await ledger.settle(batch)
  const { total, spent } = await ledger.usage(ALL)
  expect(total).toMatchObject({ requests: 1, microdollars: 70, promptTokens: 5, completionTokens: 2 })
  expect(spent).toEqual({
    '2031-11-24': { microdollars: 70, tokens: 7 },
    '2031-11': { microdollars: 70, tokens: 7 },
    total: { microdollars: 70, tokens: 7 },
  })
})

test('a slice counts until it is released, also over a restart; asked for again it is the same one', async () => {
  const terms = dollars(120)
  const first = await ledger.draw(ask('s1', terms))
  expect(first).toMatchObject({ kind: 'granted', granted: { microdollars: 100 } })
  await evictDurableObject(ledger)
  expect(await ledger.draw(ask('s1', terms))).toEqual(first)
  // 20 are left: less than a request, and more than nothing.
  expect(await ledger.draw(ask('s2', terms))).toMatchObject({ kind: 'granted' })
  expect(await ledger.draw(ask('s3', terms))).toMatchObject({
    kind: 'refused',
    refusal: { limit: 'reserved' },
  })

  const release = { slice: 's1', amounts: { ...WANT, microdollars: 100 }, unused: { tokens: 0, requests: 0 } }
  await ledger.settle({ ...NO_BATCH, id: 'b1', entries: [entry({ microdollars: 60 })], releases: [release] })
  expect((await ledger.usage(ALL)).unsettled.microdollars).toBe(100)
  expect(await ledger.draw(ask('s4', terms))).toMatchObject({
    kind: 'refused',
    refusal: { limit: 'reserved' },
  })
  await ledger.settle({ ...NO_BATCH, id: 'b2', voids: ['s2'] })
  expect(await ledger.draw(ask('s5', terms))).toMatchObject({ kind: 'granted' })
})

test('a slice that was given up before it was asked for is not granted', async () => {
  await ledger.settle({ ...NO_BATCH, id: 'b1', voids: ['s1'] })
  expect(await ledger.draw(ask('s1', dollars(1000)))).toMatchObject({ kind: 'refused' })
  expect((await ledger.usage(ALL)).unsettled.microdollars).toBe(0)
})

test('a budget lowered below what is spent refuses from then on, and the next month it is there again', async () => {
  await ledger.settle({ ...NO_BATCH, id: 'b1', entries: [entry({ microdollars: 500 })] })
  expect(await ledger.draw(ask('s1', dollars(1000)))).toMatchObject({ kind: 'granted' })
  expect(await ledger.draw(ask('s2', dollars(400)))).toMatchObject({
    kind: 'refused',
    refusal: { limit: 'budget' },
  })
  at(Date.UTC(2031, 11, 1))
  await ledger.settle({ ...NO_BATCH, id: 'b2', voids: ['s1'] })
  expect(await ledger.draw(ask('s3', dollars(400)))).toMatchObject({ kind: 'granted' })
})

test('a key has a budget of its own within that of its tenant', async () => {
  await ledger.settle({
    ...NO_BATCH,
    id: 'b1',
    entries: [entry({ microdollars: 30 }), entry({ key: 'k2', microdollars: 5 })],
  })
  expect(
    [await spentOf(), await spentOf('k1'), await spentOf('k2')].map((spent) => spent?.microdollars),
  ).toEqual([35, 30, 5])
  expect(await ledger.draw(ask('s1', dollars(30), { scope: 'k1' }))).toMatchObject({ kind: 'refused' })
  expect(await ledger.draw(ask('s2', dollars(30), { scope: 'k2' }))).toMatchObject({ kind: 'granted' })
})

test('requests of a minute are counted across slices, and what was not used is put back', async () => {
  const terms: Terms = { requestsPerMinute: 2 }
  const granted = await Promise.all(['s1', 's2', 's3'].map((id) => ledger.draw(ask(id, terms))))
  expect(granted.map(({ kind }) => kind)).toEqual(['granted', 'granted', 'refused'])
  expect(granted[2]).toMatchObject({ refusal: { limit: 'requests', waitMs: 30_000 } })
  const unused = { slice: 's1', amounts: { ...WANT, requests: 1 }, unused: { tokens: 0, requests: 1 } }
  await ledger.settle({ ...NO_BATCH, id: 'b1', releases: [unused] })
  expect(await ledger.draw(ask('s4', terms))).toMatchObject({ kind: 'granted' })
})

test('a slice that nobody settles is charged as it was reserved, and listed as lost', async () => {
  await ledger.draw(ask('s1', dollars(100_000)))
  const alarm = await runDurableObjectAlarm(ledger)
  expect(alarm).toBe(true)
  expect((await ledger.usage(ALL)).unsettled.microdollars).toBe(400)
  // The longest answer, a lease, and a minute.
  at(NOW_MS + 600_000 + 5_000 + 60_000)
  await runDurableObjectAlarm(ledger)
  const { rows, unsettled, total } = await ledger.usage({ ...ALL, groupBy: ['kind', 'key'] })
  expect(rows).toMatchObject([{ kind: 'lost', key: '', microdollars: 400, requests: 0 }])
  expect(unsettled.microdollars).toBe(0)
  expect((await spentOf())?.microdollars).toBe(total.microdollars)
})

test('usage is grouped by what is asked for, of one key or of all, and days are the ledger’s own', async () => {
  await ledger.settle({
    ...NO_BATCH,
    id: 'b1',
    entries: [
      entry({ microdollars: 1 }),
      entry({ key: 'k2', kind: 'hit', pool: 'us', savedHit: 9 }),
      entry({ model: 'poem', microdollars: 4 }),
    ],
  })
  at(NOW_MS + 86_400_000)
  await ledger.settle({ ...NO_BATCH, id: 'b2', entries: [entry({ microdollars: 2 })] })
  const byDay = await ledger.usage({ ...ALL, groupBy: ['day'] })
  expect(byDay.rows).toMatchObject([
    { day: '2031-11-24', requests: 3, microdollars: 5, savedHit: 9 },
    { day: '2031-11-25', requests: 1, microdollars: 2 },
  ])
  const ofKey = await ledger.usage({
    ...ALL,
    from: '2031-11-24',
    to: '2031-11-24',
    groupBy: ['model'],
    key: 'k1',
  })
  expect(ofKey.rows).toMatchObject([
    { model: 'poem', microdollars: 4 },
    { model: 'story', microdollars: 1 },
  ])
  expect(ofKey.total).toMatchObject({ requests: 2, microdollars: 5 })
})

test('learns how long answers are, and tells whoever draws', async () => {
  await ledger.settle({ ...NO_BATCH, id: 'b1', outputs: [{ model: 'story', bucket: 10, count: 30 }] })
  expect(await ledger.draw(ask('s1', dollars(1e6)))).toMatchObject({ usualOutputs: { story: 7 } })
})

test('what is older than four hundred days is deleted, and what was spent of all time is not', async () => {
  await ledger.settle({ ...NO_BATCH, id: 'b1', entries: [entry({ microdollars: 3 })] })
  at(NOW_MS + 401 * 86_400_000)
  await runDurableObjectAlarm(ledger)
  const { total, spent } = await ledger.usage({ from: '2031-01-01', to: '2033-12-31', groupBy: [] })
  expect(total.microdollars).toBe(0)
  expect(spent['total']?.microdollars).toBe(3)
})
