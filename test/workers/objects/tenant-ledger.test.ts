/** A tenant's ledger: the epoch only rises, outlives the object, and a purge waits for every lease on the older one. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const WHOLE_WAIT_MS = 5_250

let ledger = aLedger()
beforeEach(() => {
  ledger = aLedger()
})
afterEach(() => {
  vi.restoreAllMocks()
})

function aLedger() {
  return env.TENANT_LEDGER.getByName(`test/${crypto.randomUUID()}`)
}

/** Lets waits pass at once, and tells how long they would have been. */
function skipWaits(): number[] {
  const waits: number[] = []
  vi.spyOn(scheduler, 'wait').mockImplementation((ms) => {
    waits.push(ms)
    return Promise.resolve()
  })
  return waits
}

test('the first epoch is the time, the same for everyone who asks: no ledger begins with one that was purged', async () => {
  const before = Date.now()
  const [one, two] = await Promise.all([ledger.grantLease(), ledger.grantLease()])
  expect(one.epoch).toBeGreaterThanOrEqual(before)
  expect(two).toEqual(one)
  await evictDurableObject(ledger)
  expect(await ledger.grantLease()).toEqual(one)
})

test('a raised epoch is granted at once and survives the eviction of its object', async () => {
  skipWaits()
  const first = await ledger.grantLease()
  const epoch = await ledger.raiseEpoch()
  expect(epoch).toBe(first.epoch + 1)
  expect(await ledger.grantLease()).toEqual({ epoch })
  await evictDurableObject(ledger)
  expect(await ledger.grantLease()).toEqual({ epoch })
})

test('a purge waits for the last lease that was granted before it, and a little longer', async () => {
  const waits = skipWaits()
  const nowMs = Date.now()
  vi.spyOn(Date, 'now').mockReturnValue(nowMs)
  await ledger.grantLease()
  vi.spyOn(Date, 'now').mockReturnValue(nowMs + 2_000)
  await ledger.grantLease()
  vi.spyOn(Date, 'now').mockReturnValue(nowMs + 3_000)
  await ledger.raiseEpoch()
  // The last lease began at 2 s and ends at 7 s: 4 s from now, and the margin.
  expect(waits).toEqual([4_250])
})

test('after a restart a purge waits as if somebody held a lease that was granted a moment ago', async () => {
  const waits = skipWaits()
  await ledger.grantLease()
  await evictDurableObject(ledger)
  await ledger.raiseEpoch()
  expect(waits).toHaveLength(1)
  expect(waits[0]).toBeGreaterThan(WHOLE_WAIT_MS - 1_000)
  expect(waits[0]).toBeLessThanOrEqual(WHOLE_WAIT_MS)
})

test('the new epoch is stored before the wait begins: a purge that is cut off has happened', async () => {
  const wait = Promise.withResolvers<void>()
  vi.spyOn(scheduler, 'wait').mockReturnValue(wait.promise)
  const first = await ledger.grantLease()
  const raised = ledger.raiseEpoch()
  const stored = (): Promise<unknown> =>
    runInDurableObject(ledger, (_, { storage }) => storage.kv.get('epoch:v1'))
  await expect.poll(stored).toBe(first.epoch + 1)
  wait.resolve()
  expect(await raised).toBe(first.epoch + 1)
})

test('purges at the same time raise it once each, and each returns an epoch of its own', async () => {
  skipWaits()
  const first = await ledger.grantLease()
  const epochs = await Promise.all([ledger.raiseEpoch(), ledger.raiseEpoch(), ledger.raiseEpoch()])
  expect(epochs.toSorted()).toEqual([1, 2, 3].map((rise) => first.epoch + rise))
  expect(await ledger.grantLease()).toEqual({ epoch: first.epoch + 3 })
})
