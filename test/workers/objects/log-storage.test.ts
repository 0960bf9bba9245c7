/** Stored answers end when they should. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { wholeAnswer } from '../../support/pool-events.ts'
import { aJob, aShard, cachedAs, limitedTo, readAll } from '../support/jobs.ts'
import { inOwnShard, type OwnShard } from '../support/own-shard.ts'
import { answerTo, atOnce, engine, held, standInForPools } from '../support/stand-in-pools.ts'

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

async function askOwn({ shard: own }: OwnShard, job = aJob('')): ReturnType<typeof readAll> {
  return readAll(await own.open(job))
}

describe('expiry', () => {
  const for60Seconds = { ttlSeconds: 60 }

  test('is by an alarm at exactly the time the first log expires, which sets the next', async () => {
    answerTo('short', atOnce(wholeAnswer('short')))
    answerTo('long', atOnce(wholeAnswer('long')))
    const long = await ask(cachedAs(aJob('long'), { ttlSeconds: 7200 }))
    const short = await ask(cachedAs(aJob('short'), for60Seconds))
    const expiries = { short: endOf(short, 60), long: endOf(long, 7200) }
    await expect.poll(alarm).toBe(expiries.short)
    vi.spyOn(Date, 'now').mockReturnValue(expiries.short - 1)
    await runDurableObjectAlarm(shard)
    expect(await stored()).toHaveLength(2)
    expect(await alarm()).toBe(expiries.short)
    vi.spyOn(Date, 'now').mockReturnValue(expiries.short)
    await runDurableObjectAlarm(shard)
    expect(await stored()).toEqual(['fingerprint of long'])
    expect(await count('take_segment')).toBe(1)
    expect(await alarm()).toBe(expiries.long)
    vi.spyOn(Date, 'now').mockReturnValue(expiries.long)
    await runDurableObjectAlarm(shard)
    expect(await stored()).toEqual([])
    expect(await count('take_segment')).toBe(0)
    expect(await alarm()).toBeNull()
    vi.mocked(Date.now).mockRestore()
  })

  test('is kept at the earliest when several answers are stored at the same moment', async () => {
    const slow = held()
    const quick = held()
    answerTo('slow', slow.answer)
    answerTo('quick', quick.answer)
    const [first, second] = await Promise.all([
      shard.open(cachedAs(aJob('quick'), for60Seconds)),
      shard.open(cachedAs(aJob('slow'), { ttlSeconds: 86_400 })),
    ])
    const texts = [readAll(first), readAll(second)]
    await runInDurableObject(shard, async () => {
      quick.say(wholeAnswer('quick'))
      slow.say(wholeAnswer('slow'))
      await Promise.resolve()
    })
    const [short] = await Promise.all(texts)
    await expect.poll(alarm).toBe(endOf(short ?? {}, 60))
  })

  test('holds before the alarm has run, too, to the millisecond', () =>
    inOwnShard({}, async (own) => {
      const calls = answerTo('expired', engine())
      await askOwn(own, cachedAs(aJob('expired'), for60Seconds))
      own.clock.nowMs += 59_999
      for (const isRestarted of [false, true]) {
        if (isRestarted) own.restart()
        expect((await askOwn(own, aJob('expired'))).facts).toMatchObject({ outcome: 'hit', ttlSeconds: 0 })
      }
      own.clock.nowMs += 1
      expect((await askOwn(own, aJob('expired'))).facts?.outcome).toBe('miss')
      expect(calls).toHaveLength(2)
    }))

  test('of what is read depends on the reader, of what is stored on who had it made', () =>
    inOwnShard({}, async (own) => {
      answerTo('reader', engine())
      await askOwn(own, cachedAs(aJob('reader'), { ttlSeconds: 3600 }))
      own.clock.nowMs += 60_001
      expect((await askOwn(own, cachedAs(aJob('reader'), for60Seconds))).facts?.outcome).toBe('miss')
    }))

  test('of an answer that was continued is that of its beginning', () =>
    inOwnShard({}, async (own) => {
      const calls = answerTo('continued', engine())
      await askOwn(own, limitedTo(cachedAs(aJob('continued'), for60Seconds), 5))
      own.clock.nowMs += 50_000
      const { facts } = await askOwn(own, limitedTo(aJob('continued'), 9))
      expect(facts).toMatchObject({ outcome: 'extended', ttlSeconds: 10 })
      own.clock.nowMs += 10_000
      expect((await askOwn(own, limitedTo(aJob('continued'), 9))).facts?.outcome).toBe('miss')
      expect(calls).toHaveLength(3)
    }))

  test('of what is being made is known before it is whole: it may never be', () =>
    inOwnShard({}, async ({ shard: own, state }) => {
      const pool = held()
      answerTo('long', pool.answer)
      const reader = (await own.open(cachedAs(aJob('long'), for60Seconds))).getReader()
      pool.say(wholeAnswer('x'.repeat(40_000)).split('data: ').slice(0, 3).join('data: '))
      await reader.read()
      await expect.poll(() => state.storage.getAlarm()).not.toBeNull()
      await reader.cancel()
    }))

  test('a log that was replaced is there a minute longer, for who still reads it, and no more', () =>
    inOwnShard({}, async (own) => {
      answerTo('replaced', engine())
      await askOwn(own, aJob('replaced'))
      await askOwn(own, cachedAs(aJob('replaced'), { read: false }))
      const takes = (): number => own.state.storage.sql.exec('SELECT take FROM take').toArray().length
      expect(takes()).toBe(2)
      own.clock.nowMs += 59_999
      await own.shard.alarm()
      expect(takes()).toBe(2)
      own.clock.nowMs += 1
      await own.shard.alarm()
      expect(takes()).toBe(1)
      expect((await askOwn(own, aJob('replaced'))).facts?.outcome).toBe('hit')
    }))

  function endOf({ facts }: Pick<Awaited<ReturnType<typeof readAll>>, 'facts'>, ttlSeconds: number): number {
    return (facts?.createdAtMs ?? Number.NaN) + ttlSeconds * 1000
  }

  function alarm(): Promise<number | null> {
    return runInDurableObject(shard, (_, { storage }) => storage.getAlarm())
  }

  function stored(): Promise<string[]> {
    return runInDurableObject(shard, (_, { storage }) =>
      storage.sql
        .exec<{ fingerprint: string }>('SELECT fingerprint FROM take ORDER BY fingerprint')
        .toArray()
        .map(({ fingerprint }) => fingerprint),
    )
  }

  function count(table: 'take' | 'take_segment'): Promise<number> {
    return runInDurableObject(
      shard,
      (_, { storage }) => storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
    )
  }
})
