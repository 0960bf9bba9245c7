/** A run whose client has left goes on if it may come back, as long and as far as that may cost, and within its key's number. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { GenerationJob } from '../../../workers/objects/log-shard-rpc.ts'
import { WHOLE_TEXT } from '../../support/token-engine.ts'
import { aJob, comingBack, contentOf, readAll, reading } from '../support/jobs.ts'
import { inOwnShard, type OwnShard } from '../support/own-shard.ts'
import {
  answerTo,
  heldEngine,
  standInForPools,
  type HeldEngine,
  type PoolCall,
} from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

/** A key whose runs no other test counts. */
function resumable(prompt: string, changes: Partial<GenerationJob> = {}): GenerationJob {
  return aJob(prompt, { comesBack: 'once_begun', keyId: crypto.randomUUID(), ...changes })
}

interface Leaving {
  readonly pool: HeldEngine
  readonly calls: readonly PoolCall[]
  /** The log it read. */
  readonly take: string
}

/** A client reads three tokens, and leaves. */
async function leaveAfterThree({ shard }: OwnShard, job: GenerationJob): Promise<Leaving> {
  const pool = heldEngine()
  const calls = answerTo(job.fingerprint.replace('fingerprint of ', ''), pool.answer)
  const reader = reading(await shard.open(job))
  await expect.poll(() => calls.length).toBe(1)
  pool.upTo(3)
  await reader.upTo(4)
  await reader.leave()
  return { pool, calls, take: reader.read.take ?? '' }
}

const isAborted = ({ calls }: Leaving): boolean | undefined => calls[0]?.signal.aborted
const rest = async ({ shard }: OwnShard, job: GenerationJob, { take }: Leaving) =>
  readAll(await shard.resume(comingBack(job, 4, { take })))

/** Longer than it takes to ask the ledger. */
const asked = (): Promise<void> => scheduler.wait(200)

test('goes on to its end, and is there when its client comes back', () =>
  inOwnShard({}, async (own) => {
    const job = resumable('goes on')
    const left = await leaveAfterThree(own, job)
    await asked()
    left.pool.upTo(Infinity)
    await expect.poll(() => own.state.storage.sql.exec('SELECT * FROM take').toArray().length).toBe(1)
    own.restart()
    const { members, outcome } = await rest(own, job, left)
    expect(outcome).toBe('completed')
    expect('Es war einmal' + contentOf({ members })).toBe(WHOLE_TEXT)
    expect(left.calls).toHaveLength(1)
    expect(isAborted(left)).toBe(false)
  }))

test('ends when its time is over, and is broken where it stood', () =>
  inOwnShard({ limits: { detached_ms: 300 } }, async (own) => {
    const job = resumable('time')
    const left = await leaveAfterThree(own, job)
    await asked()
    expect(isAborted(left)).toBe(false)
    await expect.poll(() => isAborted(left)).toBe(true)
    expect(await rest(own, job, left)).toMatchObject({ members: [], events: 4 })
  }))

test('ends when it has made as many tokens as it may', () =>
  inOwnShard({ limits: { detached_tokens: 5 } }, async (own) => {
    const left = await leaveAfterThree(own, resumable('tokens'))
    await asked()
    left.pool.upTo(7)
    await asked()
    expect(isAborted(left)).toBe(false)
    left.pool.upTo(8)
    await expect.poll(() => isAborted(left)).toBe(true)
  }))

test('ends at once where it may not come back', () =>
  inOwnShard({}, async (own) => {
    const left = await leaveAfterThree(own, resumable('never', { comesBack: 'never' }))
    await expect.poll(() => isAborted(left)).toBe(true)
  }))

test('ends when its client lets go of it', () =>
  inOwnShard({}, async (own) => {
    const job = resumable('let go')
    const left = await leaveAfterThree(own, job)
    await asked()
    expect(isAborted(left)).toBe(false)
    await own.shard.detach(job.run)
    await expect.poll(() => isAborted(left)).toBe(true)
  }))

test('to let go of a run that somebody reads lets go of that reader only', () =>
  inOwnShard({}, async (own) => {
    const pool = heldEngine()
    const calls = answerTo('one of two', pool.answer)
    const [job, other] = [resumable('one of two'), resumable('one of two')]
    const [, second] = [reading(await own.shard.open(job)), reading(await own.shard.open(other))]
    await expect.poll(() => calls.length).toBe(1)
    pool.upTo(3)
    await second.upTo(4)
    await own.shard.detach(job.run)
    await own.shard.detach('unknown')
    pool.upTo(Infinity)
    expect(contentOf(await second.toEnd())).toBe(WHOLE_TEXT)
    expect(calls[0]?.signal.aborted).toBe(false)
  }))

describe('of one key', () => {
  test('there are so many, and one more ends at once', () =>
    inOwnShard({ limits: { max_detached_runs: 2 } }, async (own) => {
      const keyId = crypto.randomUUID()
      const jobs = ['one', 'two', 'three'].map((prompt) => resumable(`${prompt} of a key`, { keyId }))
      const left: Leaving[] = []
      for (const job of jobs) {
        left.push(await leaveAfterThree(own, job))
        await asked()
      }
      await expect.poll(() => left.map(isAborted)).toEqual([false, false, true])
      // Another key has its own number.
      const other = await leaveAfterThree(own, resumable('other key'))
      await asked()
      expect(isAborted(other)).toBe(false)
    }))

  test('one that is over, or was come back to, makes room for another', () =>
    inOwnShard({ limits: { max_detached_runs: 1 } }, async (own) => {
      const keyId = crypto.randomUUID()
      const leave = async (prompt: string) => {
        const job = resumable(prompt, { keyId })
        const left = await leaveAfterThree(own, job)
        await asked()
        return { job, left }
      }
      const one = await leave('is over')
      expect(isAborted(one.left)).toBe(false)
      one.left.pool.upTo(Infinity)
      await asked()
      const two = await leave('is come back to')
      expect(isAborted(two.left)).toBe(false)
      const back = reading(await own.shard.resume(comingBack(two.job, 4, { take: two.left.take })))
      await back.upTo(0)
      await asked()
      const three = await leave('has room')
      expect(isAborted(three.left)).toBe(false)
      // And now there is none for the one who came back and leaves again.
      await back.leave()
      await expect.poll(() => isAborted(two.left)).toBe(true)
    }))

  test('one that has made what it may makes room, too', () =>
    inOwnShard({ limits: { max_detached_runs: 1, detached_tokens: 2 } }, async (own) => {
      const keyId = crypto.randomUUID()
      const one = await leaveAfterThree(own, resumable('made enough', { keyId }))
      await asked()
      one.pool.upTo(9)
      await expect.poll(() => isAborted(one)).toBe(true)
      await asked()
      const two = await leaveAfterThree(own, resumable('room after that', { keyId }))
      await asked()
      expect(isAborted(two)).toBe(false)
    }))

  test('none are allowed where the config says so', () =>
    inOwnShard({ limits: { max_detached_runs: 0 } }, async (own) => {
      const left = await leaveAfterThree(own, resumable('none'))
      await expect.poll(() => isAborted(left)).toBe(true)
    }))
})

test('one who can only come back once it was told of its run is not waited for before that', () =>
  inOwnShard({}, async (own) => {
    for (const [comesBack, expected] of [
      ['once_begun', true],
      ['always', false],
    ] as const) {
      const pool = heldEngine()
      const calls = answerTo(comesBack, pool.answer)
      const reader = reading(await own.shard.open(resumable(comesBack, { comesBack })))
      await expect.poll(() => calls.length).toBe(1)
      await reader.leave()
      await asked()
      expect(calls[0]?.signal.aborted).toBe(expected)
    }
  }))

test('one that is waited for and another that reads are one generation, which lives for both', () =>
  inOwnShard({ limits: { detached_ms: 200 } }, async (own) => {
    const job = resumable('shared')
    const pool = heldEngine()
    const calls = answerTo('shared', pool.answer)
    const [leaver, stayer] = [
      reading(await own.shard.open(job)),
      reading(await own.shard.open(aJob('shared'))),
    ]
    await expect.poll(() => calls.length).toBe(1)
    pool.upTo(3)
    await leaver.upTo(4)
    await leaver.leave()
    // Longer than the run is waited for: somebody else still reads.
    await scheduler.wait(500)
    expect(calls[0]?.signal.aborted).toBe(false)
    pool.upTo(Infinity)
    expect(contentOf(await stayer.toEnd())).toBe(WHOLE_TEXT)
  }))
