/** An Idempotency-Key stands for one request for so long, across restarts, and its rows end with it. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createClaims } from '../../../workers/objects/claims.ts'
import { createQuarantine } from '../../../workers/objects/quarantine.ts'
import { engineEvents, engineText, TOKENS } from '../../support/token-engine.ts'
import { aJob, cachedAs, contentOf, readAll } from '../support/jobs.ts'
import { inOwnShard } from '../support/own-shard.ts'
import { answerTo, engine, eventStream, standInForPools, type Answer } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

describe('a claim', () => {
  test('is for one request: the same may come again, another may not', () =>
    inOwnShard({}, async ({ shard }) => {
      expect(await shard.claim('name', 'request', 60)).toBe(true)
      expect(await shard.claim('name', 'request', 60)).toBe(true)
      expect(await shard.claim('name', 'another', 60)).toBe(false)
      expect(await shard.claim('other name', 'another', 60)).toBe(true)
      expect(await shard.claim('name', 'request', 60)).toBe(true)
    }))

  test('of two that come at once goes to one', () =>
    inOwnShard({}, async ({ shard }) => {
      const requests = ['a', 'b', 'c', 'd']
      const claimed = await Promise.all(requests.map((request) => shard.claim('name', request, 60)))
      expect(claimed.filter(Boolean)).toHaveLength(1)
      const winner = requests[claimed.indexOf(true)] ?? ''
      expect(await shard.claim('name', winner, 60)).toBe(true)
    }))

  test('outlives a restart, and ends to the millisecond, whoever asked for it again in between', () =>
    inOwnShard({}, async (own) => {
      await own.shard.claim('name', 'request', 60)
      own.clock.nowMs += 59_999
      own.restart()
      expect(await own.shard.claim('name', 'another', 60)).toBe(false)
      expect(await own.shard.claim('name', 'request', 60)).toBe(true)
      own.clock.nowMs += 1
      expect(await own.shard.claim('name', 'another', 60)).toBe(true)
      expect(await own.shard.claim('name', 'request', 60)).toBe(false)
    }))

  test('is deleted by the alarm at just that time', () =>
    inOwnShard({}, async (own) => {
      const { state, clock } = own
      const rows = (): number => state.storage.sql.exec('SELECT * FROM claim').toArray().length
      const endsAtMs = clock.nowMs + 60_000
      await own.shard.claim('name', 'request', 60)
      await own.shard.claim('later', 'request', 120)
      expect(await state.storage.getAlarm()).toBe(endsAtMs)
      clock.nowMs = endsAtMs - 1
      await own.shard.alarm()
      expect(rows()).toBe(2)
      clock.nowMs = endsAtMs
      await own.shard.alarm()
      expect(rows()).toBe(1)
      expect(await state.storage.getAlarm()).toBe(endsAtMs + 60_000)
    }))

  test('and a log share the alarm: the earlier of their ends sets it', () =>
    inOwnShard({}, async ({ shard, state, clock }) => {
      answerTo('with a claim', engine())
      await shard.claim('name', 'request', 3600)
      await readAll(await shard.open(cachedAs(aJob('with a claim'), { ttlSeconds: 60 })))
      await expect.poll(() => state.storage.getAlarm()).toBe(clock.nowMs + 60_000)
    }))

  test('that is not there has no end', () =>
    inOwnShard({}, async ({ state }) => {
      expect(createClaims(state.storage).nextExpiryMs()).toBeUndefined()
    }))
})

describe('a request that killed two pools', () => {
  const dying: Answer = ({ body }) => eventStream(engineText(engineEvents(body), 3))

  test('is refused for a while, across restarts, and then made again', () =>
    inOwnShard({ limits: { quarantine_ms: 60_000 } }, async (own) => {
      const calls = answerTo('poison', dying)
      const ask = async () => readAll(await own.shard.open(aJob('poison')))
      expect(await ask()).toMatchObject({ outcome: 'truncated' })
      expect(await ask()).toMatchObject({ refused: 'request_quarantined' })
      own.clock.nowMs += 59_999
      own.restart()
      expect(await ask()).toMatchObject({ refused: 'request_quarantined' })
      expect(calls).toHaveLength(2)
      own.clock.nowMs += 1
      answerTo('poison', engine())
      expect(await ask()).toMatchObject({ facts: { outcome: 'extended' }, outcome: 'completed' })
    }))

  test('before any token is told so at once, and refused to who comes after', () =>
    inOwnShard({}, async ({ shard }) => {
      const calls = answerTo('poison at once', () => eventStream(engineText(engineEvents({}), 0)))
      const ask = async () => readAll(await shard.open(aJob('poison at once')))
      expect(await ask()).toMatchObject({ refused: 'request_quarantined' })
      expect(await ask()).toMatchObject({ refused: 'request_quarantined' })
      expect(calls).toHaveLength(2)
    }))

  test('does not touch another request, nor what is known of it already', () =>
    inOwnShard({}, async ({ shard }) => {
      answerTo('poison', dying)
      answerTo('harmless', engine())
      await readAll(await shard.open(aJob('poison')))
      const harmless = await readAll(await shard.open(aJob('harmless')))
      expect(contentOf(harmless)).toBe(TOKENS.join(''))
    }))

  test('is forgotten by the alarm when its time is over, though nothing else is stored', () =>
    inOwnShard({ limits: { quarantine_ms: 60_000 } }, async ({ shard, state, clock }) => {
      answerTo('alone', () => eventStream(engineText(engineEvents({}), 0)))
      await readAll(await shard.open(aJob('alone')))
      await expect.poll(() => state.storage.getAlarm()).toBe(clock.nowMs + 60_000)
      clock.nowMs += 60_000
      await shard.alarm()
      expect(state.storage.sql.exec('SELECT * FROM quarantine').toArray()).toEqual([])
    }))

  test('that kills again is refused for as long again', () =>
    inOwnShard({}, async ({ state }) => {
      const quarantine = createQuarantine(state.storage)
      expect(quarantine.nextExpiryMs()).toBeUndefined()
      quarantine.add('a', 1000)
      quarantine.add('a', 2000)
      expect(quarantine.has('a', 1999)).toBe(true)
      expect(quarantine.has('a', 2000)).toBe(false)
      expect(quarantine.has('b', 0)).toBe(false)
      expect(quarantine.nextExpiryMs()).toBe(2000)
    }))
})
