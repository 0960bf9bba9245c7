/** A reader who comes back reads on from any event, while the answer is made and afterwards, and nobody else does. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { GenerationJob } from '../../../workers/objects/log-shard-rpc.ts'
import { TOKENS, WHOLE_TEXT } from '../../support/token-engine.ts'
import {
  aJob,
  anEpochKey,
  cachedAs,
  comingBack,
  contentOf,
  limitedTo,
  readAll,
  type ReadLog,
} from '../support/jobs.ts'
import { inOwnShard, type OwnShard } from '../support/own-shard.ts'
import { answerTo, engine, heldEngine, standInForPools } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

/** Of the token engine's whole answer: a role, twenty tokens, a finish. */
const EVENTS = 22
const EVERY_EVENT = Array.from({ length: EVENTS + 1 }, (_, index) => index)
const textOf = (tokens: number): string => TOKENS.slice(0, tokens).join('')

const open = async ({ shard }: OwnShard, job: GenerationJob): Promise<ReadLog> =>
  readAll(await shard.open(job))
const resume = async ({ shard }: OwnShard, job: ReturnType<typeof comingBack>): Promise<ReadLog> =>
  readAll(await shard.resume(job))

function resumable(prompt: string, changes: Partial<GenerationJob> = {}): GenerationJob {
  return aJob(prompt, { comesBack: 'once_begun', ...changes })
}

describe('a log that is whole', () => {
  test.each([false, true])('is read on from every event (after a restart: %s)', (isRestarted) =>
    inOwnShard({}, async (own) => {
      answerTo('whole', engine())
      const job = resumable('whole')
      const { take = '', members, usage, pools } = await open(own, job)
      if (isRestarted) own.restart()
      for (const events of EVERY_EVENT) {
        const rest = await resume(own, comingBack(job, events, { take }))
        expect(rest).toMatchObject({ take, outcome: 'completed', usage, pools, events: EVENTS })
        expect(rest.members).toEqual(members.slice(events))
        expect(rest.facts).toMatchObject({ outcome: 'hit', pool: pools?.[0] })
      }
    }),
  )

  test('is read on under the limit of the reader, be it cut', () =>
    inOwnShard({}, async (own) => {
      answerTo('cut', engine())
      await open(own, aJob('cut'))
      const job = limitedTo(resumable('cut'), 9)
      const { take = '', members } = await open(own, job)
      // A role, nine tokens, and a finish that is only this reader's.
      expect(members).toHaveLength(11)
      for (let events = 0; events <= 11; events += 1) {
        const rest = await resume(own, comingBack(job, events, { take }))
        expect(rest.members).toEqual(members.slice(events))
        expect(rest).toMatchObject({ outcome: 'completed', usage: { completionTokens: 9 }, events: 11 })
      }
    }))

  test('is there for a reader who left before it knew which, and may not have what takes its place', () =>
    inOwnShard({}, async (own) => {
      answerTo('unknown', engine())
      const job = resumable('unknown')
      const first = await open(own, job)
      expect(contentOf(await resume(own, comingBack(job, 0)))).toBe(WHOLE_TEXT)
      await open(own, cachedAs(aJob('unknown'), { read: false }))
      // Of the one that was replaced, not of the new one.
      const rest = await resume(own, comingBack(job, 5, { take: first.take ?? '' }))
      expect(rest.take).toBe(first.take)
      expect(rest.members).toEqual(first.members.slice(5))
    }))

  test('and has fewer events than the reader claims is at its end', () =>
    inOwnShard({}, async (own) => {
      answerTo('beyond', engine())
      const job = resumable('beyond')
      const { take = '' } = await open(own, job)
      const rest = await resume(own, comingBack(job, 1000, { take }))
      expect(rest).toMatchObject({ members: [], outcome: 'completed', events: EVENTS })
    }))
})

describe('is not found', () => {
  test.each<[string, Partial<ReturnType<typeof comingBack>>]>([
    ['under another fingerprint', { fingerprint: 'another', take: 'unknown' }],
    ['of another take', { take: 'unknown' }],
    ['by a reader who may not have its pool any more', { allowedPools: ['us-east', 'ap-southeast'] }],
    ['by a reader who may have no pool any more', { allowedPools: [] }],
  ])('%s', (name, changes) =>
    inOwnShard({}, async (own) => {
      answerTo(name, engine())
      const job = resumable(name)
      const { take = '' } = await open(own, job)
      for (const isRestarted of [false, true]) {
        if (isRestarted) own.restart()
        expect(await resume(own, comingBack(job, 3, { take, ...changes }))).toMatchObject({
          refused: 'run_not_found',
          members: [],
        })
      }
    }),
  )

  test('from the moment on at which it ends', () =>
    inOwnShard({}, async (own) => {
      answerTo('ended', engine())
      const job = cachedAs(resumable('ended'), { ttlSeconds: 60 })
      const { take = '' } = await open(own, job)
      own.clock.nowMs += 59_999
      expect((await resume(own, comingBack(job, 3, { take }))).outcome).toBe('completed')
      own.clock.nowMs += 1
      expect((await resume(own, comingBack(job, 3, { take }))).refused).toBe('run_not_found')
      await own.shard.alarm()
      own.restart()
      expect((await resume(own, comingBack(job, 3, { take }))).refused).toBe('run_not_found')
    }))

  test('after a purge, once it is not in memory', () =>
    inOwnShard({}, async (own) => {
      answerTo('purged', engine())
      const job = resumable('purged')
      const { take = '' } = await open(own, job)
      own.restart()
      const wrappedKey = await anEpochKey()
      expect((await resume(own, comingBack(job, 3, { take, wrappedKey }))).refused).toBe('run_not_found')
    }))

  test('where nothing was ever made', () =>
    inOwnShard({}, async (own) => {
      expect((await resume(own, comingBack(aJob('never'), 0))).refused).toBe('run_not_found')
      expect((await resume(own, comingBack(aJob('never'), 0, { take: 'take' }))).refused).toBe(
        'run_not_found',
      )
    }))
})

test('a broken log is replayed and ends as broken: of what was asked, a run knows nothing', () =>
  inOwnShard({}, async (own) => {
    let turn = 0
    answerTo('broken', (call) => {
      turn += 1
      if (turn > 1) return new Response('', { status: 500 })
      const pool = heldEngine()
      const answer = pool.answer(call)
      pool.upTo(5)
      pool.close()
      return answer
    })
    const job = resumable('broken')
    const { take = '' } = await open(own, job)
    for (const isRestarted of [false, true]) {
      if (isRestarted) own.restart()
      const rest = await resume(own, comingBack(job, 2, { take }))
      expect(contentOf(rest)).toBe(textOf(5).slice(textOf(1).length))
      expect(rest).toMatchObject({ outcome: 'truncated', events: 6 })
    }
  }))
