/** A tenant's ledger: the epoch only rises, outlives the object, and a purge waits for every lease on the older one. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { aLedger, skipWaits } from '../support/ledgers.ts'

const WHOLE_WAIT_MS = 5_250

let ledger = aLedger()
beforeEach(() => {
  ledger = aLedger()
})
afterEach(() => {
  vi.restoreAllMocks()
})

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
  const granted = await ledger.grantLease()
  expect(granted.epoch).toBe(epoch)
  await evictDurableObject(ledger)
  expect(await ledger.grantLease()).toEqual(granted)
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

test('the new epoch and key are stored, and the old ones gone, before the wait begins: a purge that is cut off has happened', async () => {
  const wait = Promise.withResolvers<void>()
  const waiting = vi.spyOn(scheduler, 'wait').mockReturnValue(wait.promise)
  const first = await ledger.grantLease()
  const raised = ledger.raiseEpoch()
  await expect.poll(() => waiting.mock.calls.length).toBe(1)
  const stored = await runInDurableObject(ledger, (_, { storage }) => Object.fromEntries(storage.kv.list()))
  const granted = await ledger.grantLease()
  expect(stored).toEqual({ 'epoch:v2': granted })
  expect(granted.epoch).toBe(first.epoch + 1)
  expect(granted.wrappedKey).not.toBe(first.wrappedKey)
  wait.resolve()
  expect(await raised).toBe(first.epoch + 1)
})

test('purges at the same time raise it once each, and each returns an epoch of its own', async () => {
  skipWaits()
  const first = await ledger.grantLease()
  const epochs = await Promise.all([ledger.raiseEpoch(), ledger.raiseEpoch(), ledger.raiseEpoch()])
  expect(epochs.toSorted()).toEqual([1, 2, 3].map((rise) => first.epoch + rise))
  expect((await ledger.grantLease()).epoch).toBe(first.epoch + 3)
})

test('every grant carries the key of its own epoch, also while it is being raised', async () => {
  skipWaits()
  const asked = [0, 1, 2, 3].flatMap(() => [ledger.grantLease(), ledger.raiseEpoch(), ledger.grantLease()])
  const granted = (await Promise.all(asked)).filter((answer) => typeof answer !== 'number')
  const keys = new Map(granted.map(({ epoch, wrappedKey }) => [epoch, wrappedKey]))
  for (const { epoch, wrappedKey } of granted) expect(wrappedKey).toBe(keys.get(epoch))
  expect(keys.size).toBeGreaterThan(1)
  expect(new Set(keys.values()).size).toBe(keys.size)
  const last = await ledger.grantLease()
  await evictDurableObject(ledger)
  expect(await ledger.grantLease()).toEqual(last)
})

test('detached runs of a key are counted across all who ask, and given back', async () => {
  const untilMs = Date.now() + 60_000
  const hold = (run: string, keyId = 'k1') => ledger.holdDetached({ keyId, run, untilMs }, 2)
  expect(await Promise.all([hold('a'), hold('b'), hold('c')])).toEqual([true, true, false])
  expect(await hold('a')).toBe(true)
  expect(await hold('c', 'k2')).toBe(true)
  await ledger.releaseDetached({ keyId: 'k1', run: 'a' })
  expect(await hold('c')).toBe(true)
  expect(await hold('a')).toBe(false)
  vi.spyOn(Date, 'now').mockReturnValue(untilMs)
  expect(await ledger.holdDetached({ keyId: 'k1', run: 'a', untilMs: untilMs + 1 }, 1)).toBe(true)
})

test('a restart forgets detached runs', async () => {
  const held = { keyId: 'k1', run: 'a', untilMs: Date.now() + 60_000 }
  expect(await ledger.holdDetached(held, 1)).toBe(true)
  await evictDurableObject(ledger)
  expect(await ledger.holdDetached({ ...held, run: 'b' }, 1)).toBe(true)
})

test('a purge leaves detached runs counted', async () => {
  skipWaits()
  const held = { keyId: 'k1', run: 'a', untilMs: Date.now() + 60_000 }
  await ledger.holdDetached(held, 1)
  await ledger.raiseEpoch()
  expect(await ledger.holdDetached({ ...held, run: 'b' }, 1)).toBe(false)
})
