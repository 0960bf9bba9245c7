/** The key of a tenant's epoch: kept over restarts, put under a new secret, and destroyed by a purge. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createVault, type Vault } from '../../../workers/vault/vault.ts'
import { aLedger, skipWaits } from '../support/ledgers.ts'

/** As bound in vitest.config.ts. */
const MASTER_SECRET = 'test encryption secret of 32 bytes or more'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const vaultOf = (secret: string): Vault => createVault({ current: utf8(secret) })

let ledger = aLedger()
beforeEach(() => {
  ledger = aLedger()
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** Everything the ledger has stored, by key. */
function stored(of = ledger): Promise<Record<string, unknown>> {
  return runInDurableObject(of, (_, { storage }) => Object.fromEntries(storage.kv.list()))
}

/** Replaces all that the ledger has stored, and restarts it. */
async function restartWith(records: Readonly<Record<string, unknown>>, of = ledger): Promise<void> {
  await runInDurableObject(of, (_, { storage }) => {
    for (const key of Array.from(storage.kv.list(), ([each]) => each)) storage.kv.delete(key)
    for (const [key, value] of Object.entries(records)) storage.kv.put(key, value)
  })
  await evictDurableObject(of)
}

async function sealed(wrappedKey: string): Promise<Uint8Array> {
  const cipher = await vaultOf(MASTER_SECRET).cipher(wrappedKey, 'take-1')
  if (cipher === undefined) throw new Error('the key does not open')
  return cipher.seal('segment 0', utf8('what was said'))
}

async function opened(piece: Uint8Array, wrappedKey: string): Promise<string | undefined> {
  const cipher = await vaultOf(MASTER_SECRET).cipher(wrappedKey, 'take-1')
  const plain = await cipher?.open('segment 0', piece)
  return plain && new TextDecoder().decode(plain)
}

test('what was stored before a restart of the ledger can be read after it', async () => {
  const before = await ledger.grantLease()
  const piece = await sealed(before.wrappedKey)
  await evictDurableObject(ledger)
  const after = await ledger.grantLease()
  expect(after).toEqual(before)
  expect(await opened(piece, after.wrappedKey)).toBe('what was said')
})

test('after a purge not even the whole ledger and the master secret open what was stored before it', async () => {
  skipWaits()
  const before = await ledger.grantLease()
  const piece = await sealed(before.wrappedKey)
  expect(await opened(piece, before.wrappedKey)).toBe('what was said')

  await ledger.raiseEpoch()
  const records = await stored()
  const kept = JSON.stringify(records)
  expect(Object.keys(records)).toEqual(['epoch:v2'])
  expect(kept).not.toContain(before.wrappedKey)
  // All that could be a key, and all that a restarted ledger gives out.
  await evictDurableObject(ledger)
  const candidates = [...(kept.match(/[A-Za-z0-9_-]{108}/g) ?? []), (await ledger.grantLease()).wrappedKey]
  expect(candidates).toHaveLength(2)
  for (const wrappedKey of candidates) {
    expect(await vaultOf(MASTER_SECRET).cipher(wrappedKey, 'take-1')).toBeDefined()
    expect(await opened(piece, wrappedKey)).toBeUndefined()
  }
})

test('keys of different tenants are different, and one put into another’s ledger is not used', async () => {
  const other = aLedger()
  const [own, foreign] = [await ledger.grantLease(), await other.grantLease()]
  expect(foreign.wrappedKey).not.toBe(own.wrappedKey)
  await restartWith({ 'epoch:v2': foreign })
  const after = await ledger.grantLease()
  expect(after.epoch).toBe(foreign.epoch + 1)
  expect(after.wrappedKey).not.toBe(foreign.wrappedKey)
})

test('a key put back under another epoch is not used', async () => {
  skipWaits()
  const purged = await ledger.grantLease()
  const epoch = await ledger.raiseEpoch()
  await restartWith({ 'epoch:v2': { epoch, wrappedKey: purged.wrappedKey } })
  const after = await ledger.grantLease()
  expect(after.epoch).toBe(epoch + 1)
  expect(after.wrappedKey).not.toBe(purged.wrappedKey)
})

test('a ledger from before there were keys keeps its epoch and gets a key', async () => {
  await ledger.grantLease()
  await restartWith({ 'epoch:v1': 1_764_000_000_123 })
  const granted = await ledger.grantLease()
  expect(granted.epoch).toBe(1_764_000_000_123)
  expect(await stored()).toEqual({ 'epoch:v2': granted })
  await evictDurableObject(ledger)
  expect(await ledger.grantLease()).toEqual(granted)
})

test.each([
  ['no object', 7],
  ['without a key', { epoch: 7 }],
  ['without a number', { epoch: '7', wrappedKey: 'x' }],
])('a record that is %s counts as none: the ledger begins with the time', async (_name, record) => {
  const before = Date.now()
  await ledger.grantLease()
  await restartWith({ 'epoch:v2': record })
  const granted = await ledger.grantLease()
  expect(granted.epoch).toBeGreaterThanOrEqual(before)
  expect(await opened(await sealed(granted.wrappedKey), granted.wrappedKey)).toBe('what was said')
})

test('a key that no live secret opens is replaced, with a new epoch and a line in the log', async () => {
  const log = vi.spyOn(console, 'log')
  const { epoch } = await ledger.grantLease()
  const lost = await vaultOf('a secret that nobody has any longer').newWrappedKey('whatever')
  await restartWith({ 'epoch:v2': { epoch, wrappedKey: lost } })
  const granted = await ledger.grantLease()
  expect(granted.epoch).toBe(epoch + 1)
  expect(await opened(await sealed(granted.wrappedKey), granted.wrappedKey)).toBe('what was said')
  expect(log.mock.calls).toEqual([['{"event":"storage_error","object":"tenant_ledger","what":"lost_key"}']])
  await evictDurableObject(ledger)
  expect(await ledger.grantLease()).toEqual(granted)
})
