/** After a restart a log is broken at what was stored last: who has no more than that reads on, and has it continued. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { GenerationJob } from '../../../workers/objects/log-shard-rpc.ts'
import { delta, DONE, finish } from '../../support/pool-events.ts'
import { aJob, anEpochKey, aShard, cachedAs, contentOf, readAll, reading } from '../support/jobs.ts'
import { inOwnShard, type OwnShard } from '../support/own-shard.ts'
import {
  answerTo,
  atOnce,
  held,
  standInForPools,
  type HeldAnswer,
  type PoolCall,
} from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

/** Half of what makes a segment. */
const PIECE = 'x'.repeat(17_000)

interface Cut {
  readonly pool: HeldAnswer
  readonly calls: readonly PoolCall[]
  readonly take: string
  readonly members: readonly string[]
}

/** Makes an answer of so many pieces, which its reader has had, and restarts: of four, two or three are stored. */
async function cutAfter(own: OwnShard, job: GenerationJob, pieces: number): Promise<Cut> {
  const pool = held()
  const calls = answerTo(promptOf(job), pool.answer)
  const reader = reading(await own.shard.open(job))
  await expect.poll(() => calls.length).toBe(1)
  for (let piece = 1; piece <= pieces; piece += 1) {
    pool.say(delta(`${piece}${PIECE}`))
    await reader.upTo(piece)
    // What is encrypted is on its way to the database.
    await scheduler.wait(20)
  }
  own.restart()
  return { pool, calls, take: reader.read.take ?? '', members: reader.read.members }
}

const promptOf = ({ fingerprint }: GenerationJob): string => fingerprint.replace('fingerprint of ', '')

/** The edge that read it asks for the rest. */
const readOn = async ({ shard }: OwnShard, job: GenerationJob, { take }: Cut, events: number) =>
  readAll(await shard.open({ ...job, resumed: { take, events } }))

function storedEvents({ state }: OwnShard): number {
  return state.storage.sql.exec('SELECT * FROM take_segment').toArray().length
}

describe('an answer that was being made', () => {
  test('is continued from what is stored, for who has had no more', () =>
    inOwnShard({}, async (own) => {
      const job = aJob('not ahead')
      const cut = await cutAfter(own, job, 4)
      expect(storedEvents(own)).toBe(2)
      const next = answerTo('not ahead', atOnce(delta('and so on') + finish() + DONE))
      for (const events of [0, 1, 2]) {
        const rest = await readOn(own, job, cut, events)
        expect(rest.facts?.outcome).toBe('extended')
        expect(rest.take).toBe(cut.take)
        expect(rest.outcome).toBe('completed')
        const had = contentOf({ members: cut.members.slice(0, events) })
        expect(had + contentOf(rest)).toBe(`1${PIECE}2${PIECE}3${PIECE}4${PIECE}and so on`)
      }
      // Of the pool it was asked once, with what is stored.
      expect(next.map(({ body }) => body.messages?.at(-1)?.content)).toEqual([
        `1${PIECE}2${PIECE}3${PIECE}4${PIECE}`,
      ])
    }))

  test('is not given to who has had more: that one goes on from his own text, and it is not appended', () =>
    inOwnShard({}, async (own) => {
      const job = aJob('ahead')
      const cut = await cutAfter(own, job, 3)
      // The third piece was not enough for another segment.
      expect(storedEvents(own)).toBe(1)
      const calls = answerTo('ahead', atOnce(delta('and so on') + finish() + DONE))
      expect(await readOn(own, job, cut, 3)).toMatchObject({ declined: 'gone', members: [] })
      expect(calls).toHaveLength(0)
      expect((await readOn(own, job, cut, 2)).outcome).toBe('completed')
    }))

  test('is continued for who comes anew, too', () =>
    inOwnShard({}, async (own) => {
      await cutAfter(own, aJob('anew'), 3)
      answerTo('anew', atOnce(delta('and so on') + finish() + DONE))
      const read = await readAll(await own.shard.open(aJob('anew')))
      expect(read).toMatchObject({ facts: { outcome: 'extended' }, outcome: 'completed' })
      expect(contentOf(read)).toBe(`1${PIECE}2${PIECE}and so on`)
      own.restart()
      const again = await readAll(await own.shard.open(aJob('anew')))
      expect(again).toMatchObject({ facts: { outcome: 'hit' }, members: read.members })
    }))

  test('and of which nothing was stored yet is made anew', () =>
    inOwnShard({}, async (own) => {
      const job = aJob('nothing')
      const cut = await cutAfter(own, job, 1)
      expect(storedEvents(own)).toBe(0)
      answerTo('nothing', atOnce(delta('anew') + finish() + DONE))
      expect(await readOn(own, job, cut, 1)).toMatchObject({ declined: 'gone' })
      expect(await readOn(own, job, cut, 0)).toMatchObject({ declined: 'gone' })
      expect(contentOf(await readAll(await own.shard.open(aJob('nothing'))))).toBe('anew')
    }))

  test('is gone with its key after a purge, and its rows with their time', () =>
    inOwnShard({}, async (own) => {
      const job = cachedAs(aJob('purged'), { ttlSeconds: 60 })
      const cut = await cutAfter(own, job, 3)
      const after = { ...job, wrappedKey: await anEpochKey() }
      expect(await readOn(own, after, cut, 1)).toMatchObject({ declined: 'gone' })
      expect(own.lines).toMatchObject([{ what: 'unreadable' }])
      const alarm = (await own.state.storage.getAlarm()) ?? 0
      expect(alarm).toBe(own.clock.nowMs + 60_000)
      own.clock.nowMs = alarm
      await own.shard.alarm()
      expect(storedEvents(own)).toBe(0)
    }))

  test('that is being cancelled, since its reader seemed to have left, is not joined by who reads on', () =>
    inOwnShard({}, async ({ shard }) => {
      const job = aJob('seemed to have left')
      const pool = held()
      const calls = answerTo('seemed to have left', pool.answer)
      const reader = reading(await shard.open(job))
      await expect.poll(() => calls.length).toBe(1)
      pool.say(delta('One'))
      await reader.upTo(1)
      await shard.detach(job.run)
      const resumed = { take: reader.read.take ?? '', events: 1 }
      expect(await readAll(await shard.open({ ...job, resumed }))).toMatchObject({ declined: 'gone' })
    }))

  test('that no pool goes on with ends as cut, with all that is stored', () =>
    inOwnShard({}, async (own) => {
      const job = aJob('nobody')
      const cut = await cutAfter(own, job, 3)
      const calls = answerTo('nobody', () => new Response('', { status: 500 }))
      const rest = await readOn(own, job, cut, 1)
      expect(contentOf(rest)).toBe(`2${PIECE}`)
      expect(rest).toMatchObject({ outcome: 'upstream_error', events: 2 })
      expect(calls).toHaveLength(3)
    }))
})

test('a reader whose connection only broke reads on what is still made, and nothing is asked again', () =>
  inOwnShard({}, async (own) => {
    const pool = held()
    const calls = answerTo('only broke', pool.answer)
    const [job, other] = [aJob('only broke'), aJob('only broke')]
    const stayer = reading(await own.shard.open(other))
    const first = reading(await own.shard.open(job))
    await expect.poll(() => calls.length).toBe(1)
    pool.say(delta('a') + delta('b'))
    await first.upTo(2)
    await first.leave()
    const second = reading(
      await own.shard.open({ ...job, resumed: { take: first.read.take ?? '', events: 2 } }),
    )
    pool.say(delta('c') + finish() + DONE)
    expect(contentOf(await second.toEnd())).toBe('c')
    expect(contentOf(await stayer.toEnd())).toBe('abc')
    expect(calls).toHaveLength(1)
  }))

test('inside the runtime: an object that crashes loses what it was making, and finds what was stored', async () => {
  const shard = aShard()
  const pool = held()
  const calls = answerTo('evicted', pool.answer)
  const job = aJob('evicted')
  const reader = reading(await shard.open(job))
  await expect.poll(() => calls.length).toBe(1)
  for (const piece of [1, 2, 3]) {
    await runInDurableObject(shard, () => pool.say(delta(`${piece}${PIECE}`)))
    await reader.upTo(piece)
  }
  await expect
    .poll(() =>
      runInDurableObject(
        shard,
        (_, { storage }) => storage.sql.exec('SELECT * FROM take_segment').toArray().length,
      ),
    )
    .toBe(1)
  const { take = '' } = reader.read
  await runInDurableObject(shard, (_, state) => state.abort('the machine is gone')).catch(() => undefined)
  expect(await reader.toEnd().catch(() => 'broken')).toBe('broken')
  answerTo('evicted', atOnce(delta('and so on') + finish() + DONE))
  // A stub of what has crashed stays broken: every attempt has its own.
  const open = (events: number) => env.LOG_SHARD.get(shard.id).open({ ...job, resumed: { take, events } })
  const ahead = await readAll(await open(3))
  expect(ahead).toMatchObject({ declined: 'gone' })
  const behind = await readAll(await open(1))
  expect(contentOf(behind)).toBe(`2${PIECE}and so on`)
  expect(behind.outcome).toBe('completed')
})
