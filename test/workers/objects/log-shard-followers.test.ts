/** However many read one answer, and however slowly, each gets the same, and none holds up another. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { delta, DONE, finish, usage } from '../../support/pool-events.ts'
import { WHOLE_TEXT } from '../../support/token-engine.ts'
import { aJob, cachedAs, contentOf, readAll, reading } from '../support/jobs.ts'
import { inOwnShard } from '../support/own-shard.ts'
import { answerTo, atOnce, engine, held, heldEngine, standInForPools } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

const END = finish() + usage(5, 2) + DONE

test(
  'a thousand followers get the same text from one generation',
  () =>
    inOwnShard({ log: { max_followers: 100 } }, async ({ shard }) => {
      const pool = heldEngine()
      const calls = answerTo('thousand', pool.answer)
      const first = shard.open(aJob('thousand')).then(readAll)
      await expect.poll(() => calls.length).toBe(1)
      pool.upTo(1)
      const readers = await Promise.all(
        Array.from({ length: 1000 }, async () => reading(await shard.open(aJob('thousand')))),
      )
      const leavers = readers.splice(0, 20)
      await Promise.all(leavers.map((leaver) => leaver.upTo(2)))
      const reads = readers.map((reader) => reader.toEnd())
      await Promise.all(leavers.map((leaver) => leaver.leave()))
      for (const tokens of [2, 7, 12, Infinity]) {
        pool.upTo(tokens)
        await scheduler.wait(5)
      }
      const whole = await first
      expect(contentOf(whole)).toBe(WHOLE_TEXT)
      const texts = new Set(
        (await Promise.all(reads)).map(({ facts: _facts, ...read }) => JSON.stringify(read)),
      )
      const { facts: _facts, ...read } = whole
      expect(texts).toEqual(new Set([JSON.stringify(read)]))
      expect(calls).toHaveLength(1)
      expect(calls[0]?.signal.aborted).toBe(false)
    }),
  // A machine with other things to do is given time.
  90_000,
)

test('one who takes nothing holds up nobody, and has it all waiting', () =>
  inOwnShard({}, async ({ shard, state }) => {
    const pool = held()
    const calls = answerTo('slow', pool.answer)
    const [slow, quick] = [reading(await shard.open(aJob('slow'))), reading(await shard.open(aJob('slow')))]
    await expect.poll(() => calls.length).toBe(1)
    for (let piece = 0; piece < 50; piece += 1) {
      pool.say(delta(`${piece} ${'x'.repeat(5000)} `))
      await quick.upTo(piece + 1)
    }
    pool.say(END)
    const read = await quick.toEnd()
    expect(read.outcome).toBe('completed')
    await expect.poll(() => state.storage.sql.exec('SELECT * FROM take').toArray().length).toBe(1)
    expect(slow.read.members).toEqual([])
    expect((await slow.toEnd()).members).toEqual(read.members)
  }))

test('those beyond the number that gets each token at once get what has come in a quarter of a second', () =>
  inOwnShard({ log: { max_followers: 2 } }, async ({ shard }) => {
    const pool = heldEngine()
    const calls = answerTo('batches', pool.answer)
    const readers = []
    // The first two at once, the next six in batches, the last when it is whole.
    for (let index = 0; index < 9; index += 1) readers.push(reading(await shard.open(aJob('batches'))))
    await expect.poll(() => calls.length).toBe(1)
    pool.upTo(1)
    await Promise.all(readers.slice(0, 8).map((reader) => reader.upTo(2)))
    pool.upTo(2)
    await readers[1]?.upTo(3)
    const [early, batched] = [readers[1], readers[2]]
    expect(early?.read.members).toHaveLength(3)
    expect(batched?.read.members).toHaveLength(2)
    const next = batched?.upTo(3)
    pool.upTo(5)
    await next
    // In one write with what came after it.
    expect(batched?.read.members.length).toBeGreaterThan(3)
    const last = readers[8]
    expect(last?.read.members).toEqual([])
    pool.upTo(Infinity)
    const reads = await Promise.all(readers.map((reader) => reader.toEnd()))
    for (const read of reads) expect(read.members).toEqual(reads[0]?.members)
    expect(calls).toHaveLength(1)
  }))

describe('a shard that makes as much as it has memory for', () => {
  const MEBIBYTE = 1024 * 1024

  test('makes nothing more, but still gives what it has, until something is whole', () =>
    inOwnShard({ log: { max_shard_bytes: MEBIBYTE } }, async ({ shard }) => {
      const pool = held()
      const calls = answerTo('huge', pool.answer)
      answerTo('known', engine())
      const known = await readAll(await shard.open(aJob('known')))
      const huge = reading(await shard.open(aJob('huge')))
      await expect.poll(() => calls.length).toBe(1)
      pool.say(delta('x'.repeat(MEBIBYTE)))
      await huge.upTo(1)

      const others = answerTo('other', atOnce(delta('small') + END))
      expect(await readAll(await shard.open(aJob('other')))).toMatchObject({ declined: 'busy', members: [] })
      expect(others).toHaveLength(0)
      const only = cachedAs(aJob('other'), { onlyIfCached: true })
      expect(await readAll(await shard.open(only))).toMatchObject({ refused: 'not_cached' })
      expect(await readAll(await shard.open(aJob('known')))).toMatchObject({
        facts: { outcome: 'hit' },
        members: known.members,
      })
      const follower = reading(await shard.open(aJob('huge')))
      await follower.upTo(1)

      pool.say(END)
      expect((await huge.toEnd()).outcome).toBe('completed')
      expect((await follower.toEnd()).facts?.outcome).toBe('coalesced')
      expect(contentOf(await readAll(await shard.open(aJob('other'))))).toBe('small')
    }))
})

test('many answers at once are made each for itself', () =>
  inOwnShard({}, async ({ shard }) => {
    const prompts = Array.from({ length: 100 }, (_, index) => `many ${index}`)
    for (const prompt of prompts) answerTo(prompt, atOnce(delta(prompt) + END))
    const reads = await Promise.all(
      prompts.flatMap((prompt) => [1, 2, 3].map(async () => readAll(await shard.open(aJob(prompt))))),
    )
    expect(reads.map(contentOf)).toEqual(prompts.flatMap((prompt) => [prompt, prompt, prompt]))
    expect(reads.filter(({ facts }) => facts?.outcome === 'miss')).toHaveLength(100)
  }))
