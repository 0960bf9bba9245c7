/** A shelf keeps receipts until their time, through restarts, and not longer. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.restoreAllMocks()
})

function aShelf() {
  return env.RECEIPT_SHELF.getByName(`test/${crypto.randomUUID()}`)
}

function rowsOf(shelf: ReturnType<typeof aShelf>): Promise<unknown[]> {
  return runInDurableObject(shelf, (_shelf, { storage }) =>
    storage.sql.exec('SELECT request_id FROM receipt ORDER BY request_id').toArray(),
  )
}

test('what was put is there after a restart; what was not, is not', async () => {
  const shelf = aShelf()
  await shelf.put({ requestId: 'req_1', receipt: 'a.b.c', expiresAtMs: Date.now() + 60_000 })
  await evictDurableObject(shelf)
  expect([await shelf.get('req_1'), await shelf.get('req_2')]).toEqual(['a.b.c', undefined])
})

test('it is not given out after its time, and the alarm deletes it then and leaves the others', async () => {
  const shelf = aShelf()
  const nowMs = Date.now()
  await shelf.put({ requestId: 'req_2', receipt: 'later', expiresAtMs: nowMs + 7_200_000 })
  await shelf.put({ requestId: 'req_1', receipt: 'sooner', expiresAtMs: nowMs + 3_600_000 })
  const alarmAtMs = () => runInDurableObject(shelf, (_shelf, { storage }) => storage.getAlarm())
  expect(await alarmAtMs()).toBe(nowMs + 3_600_000)

  vi.spyOn(Date, 'now').mockReturnValue(nowMs + 3_600_000)
  expect([await shelf.get('req_1'), await shelf.get('req_2')]).toEqual([undefined, 'later'])
  expect(await runDurableObjectAlarm(shelf)).toBe(true)
  expect(await rowsOf(shelf)).toEqual([{ request_id: 'req_2' }])
  expect(await alarmAtMs()).toBe(nowMs + 7_200_000)
})
