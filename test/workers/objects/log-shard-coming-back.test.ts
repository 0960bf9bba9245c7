/** A reader who breaks off while the answer is made is read on to from just there, and follows it again. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { GenerationJob } from '../../../workers/objects/log-shard-rpc.ts'
import { TOKENS, WHOLE_TEXT } from '../../support/token-engine.ts'
import { aJob, comingBack, contentOf, readAll, reading } from '../support/jobs.ts'
import { inOwnShard } from '../support/own-shard.ts'
import { answerTo, heldEngine, standInForPools } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

/** Of the token engine's whole answer: a role, twenty tokens, a finish. */
const EVENTS = 22

function resumable(prompt: string, changes: Partial<GenerationJob> = {}): GenerationJob {
  return aJob(prompt, { comesBack: 'once_begun', ...changes })
}

describe('while it is made', () => {
  test('a reader who broke off is read on to from just there, and follows', () =>
    inOwnShard({}, async (own) => {
      const pool = heldEngine()
      const calls = answerTo('made', pool.answer)
      const job = resumable('made', { keyId: 'resume 1' })
      const first = reading(await own.shard.open(job))
      await expect.poll(() => calls.length).toBe(1)
      pool.upTo(5)
      expect(await first.upTo(6)).toBe(true)
      await first.leave()
      pool.upTo(9)
      const second = reading(await own.shard.resume(comingBack(job, 6, { take: first.read.take ?? '' })))
      expect(await second.upTo(4)).toBe(true)
      pool.upTo(Infinity)
      const rest = await second.toEnd()
      expect(
        [...first.read.members, ...rest.members].map((json) => contentOf({ members: [json] })).join(''),
      ).toBe(WHOLE_TEXT)
      expect(rest).toMatchObject({ outcome: 'completed', events: EVENTS })
      expect(calls).toHaveLength(1)
    }))

  test('one who breaks off again and again misses nothing and gets nothing twice', () =>
    inOwnShard({}, async (own) => {
      const pool = heldEngine()
      const calls = answerTo('often', pool.answer)
      const job = resumable('often', { keyId: 'resume 2' })
      const members: string[] = []
      let take = ''
      for (let tokens = 1; tokens <= TOKENS.length; tokens += 1) {
        const part = reading(
          tokens === 1
            ? await own.shard.open(job)
            : await own.shard.resume(comingBack(job, members.length, { take })),
        )
        await expect.poll(() => calls.length).toBe(1)
        pool.upTo(tokens)
        expect(await part.upTo(tokens + 1 - members.length)).toBe(true)
        take = part.read.take ?? ''
        members.push(...part.read.members)
        await part.leave()
      }
      const last = own.shard.resume(comingBack(job, members.length, { take }))
      pool.upTo(Infinity)
      members.push(...(await readAll(await last)).members)
      expect(contentOf({ members })).toBe(WHOLE_TEXT)
      expect(members).toHaveLength(EVENTS)
      expect(calls[0]?.signal.aborted).toBe(false)
    }))

  test('one who comes back before the old stream is known to be broken takes its place', () =>
    inOwnShard({}, async (own) => {
      const pool = heldEngine()
      const calls = answerTo('twice', pool.answer)
      const job = resumable('twice', { keyId: 'resume 3' })
      const first = reading(await own.shard.open(job))
      await expect.poll(() => calls.length).toBe(1)
      pool.upTo(3)
      await first.upTo(4)
      const second = reading(await own.shard.resume(comingBack(job, 2)))
      await second.upTo(2)
      // The first one's end is of no account now.
      await first.leave()
      pool.upTo(Infinity)
      expect((await second.toEnd()).members).toHaveLength(EVENTS - 2)
      expect(calls[0]?.signal.aborted).toBe(false)
    }))

  test('one who comes back before there is a token hears how it begins', () =>
    inOwnShard({}, async (own) => {
      const pool = heldEngine()
      const calls = answerTo('early', pool.answer)
      const job = aJob('early', { comesBack: 'always', keyId: 'resume 4' })
      const first = reading(await own.shard.open(job))
      await expect.poll(() => calls.length).toBe(1)
      await first.leave()
      const second = own.shard.resume(comingBack(job, 0)).then(readAll)
      pool.upTo(Infinity)
      expect(contentOf(await second)).toBe(WHOLE_TEXT)
      expect(calls).toHaveLength(1)
    }))

  test('one who comes back to what could not begin hears why', () =>
    inOwnShard({}, async (own) => {
      const refusal = Promise.withResolvers<Response>()
      const calls = answerTo('refused', () => refusal.promise)
      const job = aJob('refused', { comesBack: 'always', keyId: 'resume 5' })
      const first = reading(await own.shard.open(job))
      await expect.poll(() => calls.length).toBe(1)
      await first.leave()
      const second = own.shard.resume(comingBack(job, 0)).then(readAll)
      refusal.resolve(new Response('{}', { status: 400 }))
      expect(await second).toMatchObject({ refused: 'pool_rejected_request' })
    }))

  test('one who was let go of finds what others still have made', () =>
    inOwnShard({}, async (own) => {
      const pool = heldEngine()
      const calls = answerTo('others', pool.answer)
      const gone = aJob('others')
      const first = reading(await own.shard.open(gone))
      const other = own.shard.open(aJob('others')).then(readAll)
      await expect.poll(() => calls.length).toBe(1)
      pool.upTo(3)
      await first.upTo(4)
      await first.leave()
      const second = reading(await own.shard.resume(comingBack(gone, 4, { take: first.read.take ?? '' })))
      await second.upTo(0)
      pool.upTo(Infinity)
      expect((await second.toEnd()).members).toHaveLength(EVENTS - 4)
      expect(contentOf(await other)).toBe(WHOLE_TEXT)
    }))

  test('a pool that a returning reader may not have any more is not asked to go on', () =>
    inOwnShard({}, async (own) => {
      const pools = [heldEngine(), heldEngine()]
      const calls = answerTo('narrower', (call) => (pools[calls.length - 1] ?? heldEngine()).answer(call))
      const job = resumable('narrower', { keyId: 'resume 6', allowedPools: ['eu-central', 'us-east'] })
      const first = reading(await own.shard.open(job))
      await expect.poll(() => calls.length).toBe(1)
      pools[0]?.upTo(5)
      await first.upTo(6)
      await first.leave()
      const second = reading(
        await own.shard.resume(
          comingBack(job, 6, { take: first.read.take ?? '', allowedPools: ['eu-central'] }),
        ),
      )
      await second.upTo(0)
      pools[0]?.break()
      expect(await second.toEnd()).toMatchObject({ outcome: 'truncated', members: [] })
      expect(calls).toHaveLength(1)
    }))
})
