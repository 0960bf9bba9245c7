/** Stored answers end when they should, and a store that is damaged costs a generation and no more. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { wholeAnswer } from '../../support/pool-events.ts'
import { aJob, aShard, contentOf, readAll } from '../support/jobs.ts'
import { answerTo, atOnce, held, standInForPools } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

let shard = aShard()
beforeEach(() => {
  shard = aShard()
})

async function ask(job = aJob('')): ReturnType<typeof readAll> {
  return readAll(await shard.open(job))
}

describe('expiry', () => {
  test('is by an alarm at exactly the time the first log expires, which sets the next', async () => {
    answerTo('short', atOnce(wholeAnswer('short')))
    answerTo('long', atOnce(wholeAnswer('long')))
    const long = await ask(
      aJob('long', {
        cache: { read: true, onlyIfCached: false, ttlSeconds: 7200, isPromotable: false, wantsCopy: false },
      }),
    )
    const short = await ask(
      aJob('short', {
        cache: { read: true, onlyIfCached: false, ttlSeconds: 60, isPromotable: false, wantsCopy: false },
      }),
    )
    const expiries = { short: endOf(short, 60), long: endOf(long, 7200) }
    await expect.poll(alarm).toBe(expiries.short)
    vi.spyOn(Date, 'now').mockReturnValue(expiries.short - 1)
    await runDurableObjectAlarm(shard)
    expect(await stored()).toHaveLength(2)
    expect(await alarm()).toBe(expiries.short)
    vi.spyOn(Date, 'now').mockReturnValue(expiries.short)
    await runDurableObjectAlarm(shard)
    expect(await stored()).toEqual(['fingerprint of long'])
    expect(await alarm()).toBe(expiries.long)
    vi.spyOn(Date, 'now').mockReturnValue(expiries.long)
    await runDurableObjectAlarm(shard)
    expect(await stored()).toEqual([])
    expect(await count('segment')).toBe(0)
    expect(await alarm()).toBeNull()
    vi.mocked(Date.now).mockRestore()
  })

  test('is kept at the earliest when several answers are stored at the same moment', async () => {
    const slow = held()
    const quick = held()
    answerTo('slow', slow.answer)
    answerTo('quick', quick.answer)
    const [first, second] = await Promise.all([
      shard.open(
        aJob('quick', {
          cache: { read: true, onlyIfCached: false, ttlSeconds: 60, isPromotable: false, wantsCopy: false },
        }),
      ),
      shard.open(
        aJob('slow', {
          cache: {
            read: true,
            onlyIfCached: false,
            ttlSeconds: 86_400,
            isPromotable: false,
            wantsCopy: false,
          },
        }),
      ),
    ])
    const texts = [readAll(first), readAll(second)]
    await runInDurableObject(shard, async () => {
      quick.say(wholeAnswer('quick'))
      slow.say(wholeAnswer('slow'))
      await Promise.resolve()
    })
    const [short] = await Promise.all(texts)
    await expect.poll(alarm).toBe(endOf(short ?? { members: [] }, 60))
  })

  test('holds before the alarm has run, too', async () => {
    const calls = answerTo('expired', atOnce(wholeAnswer('old')))
    const made = await ask(
      aJob('expired', {
        cache: { read: true, onlyIfCached: false, ttlSeconds: 60, isPromotable: false, wantsCopy: false },
      }),
    )
    vi.spyOn(Date, 'now').mockReturnValue(endOf(made, 60))
    expect((await ask(aJob('expired'))).facts?.outcome).toBe('miss')
    vi.mocked(Date.now).mockRestore()
    expect(calls).toHaveLength(2)
  })

  function endOf({ facts }: Awaited<ReturnType<typeof readAll>>, ttlSeconds: number): number {
    return (facts?.createdAtMs ?? Number.NaN) + ttlSeconds * 1000
  }

  function alarm(): Promise<number | null> {
    return runInDurableObject(shard, (_, { storage }) => storage.getAlarm())
  }

  function stored(): Promise<string[]> {
    return runInDurableObject(shard, (_, { storage }) =>
      storage.sql
        .exec<{ fingerprint: string }>('SELECT fingerprint FROM log ORDER BY fingerprint')
        .toArray()
        .map(({ fingerprint }) => fingerprint),
    )
  }

  function count(table: 'log' | 'segment'): Promise<number> {
    return runInDurableObject(
      shard,
      (_, { storage }) => storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
    )
  }
})

describe('a stored row that cannot be read is a miss', () => {
  test.each([
    ['no JSON', `UPDATE log SET about = '{"facts":'`],
    ['JSON of another shape', `UPDATE log SET about = '{"facts":{"pool":1}}'`],
    ['another format', 'UPDATE log SET format = 2'],
    ['no lines', 'DELETE FROM segment'],
  ])('%s', async (name, damage) => {
    const calls = answerTo(name, atOnce(wholeAnswer('good')))
    await ask(aJob(name))
    await runInDurableObject(shard, (_, { storage }) => {
      storage.sql.exec(damage)
    })
    const again = await ask(aJob(name))
    expect(again).toMatchObject({ facts: { outcome: 'miss' }, outcome: 'completed' })
    expect(calls).toHaveLength(2)
    // What was unreadable has been replaced.
    expect((await ask(aJob(name))).facts?.outcome).toBe('hit')
  })
})

test('an answer that cannot be stored still reaches its reader', async () => {
  answerTo('full', atOnce(wholeAnswer('delivered')))
  await runInDurableObject(shard, (_, { storage }) => {
    storage.sql.exec('DROP TABLE segment')
  })
  const read = await ask(aJob('full'))
  expect(read).toMatchObject({ outcome: 'completed' })
  expect(contentOf(read)).toBe('delivered')
})
