/** An answer longer than a log may be reaches whoever keeps up with it, whole, and costs no more memory than a log may. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { delta, DONE, finish, usage } from '../../support/pool-events.ts'
import { aJob, contentOf, readAll, reading } from '../support/jobs.ts'
import { inOwnShard } from '../support/own-shard.ts'
import { answerTo, atOnce, held, standInForPools } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

const MAX_LOG_BYTES = 20_000
const PIECE = 'x'.repeat(1000)
const limits = { max_log_bytes: MAX_LOG_BYTES }
const END = finish() + usage(5, 100) + DONE

/** What of an answer is stored: everything, if anything. */
const storedOf = (state: DurableObjectState): unknown[] => [
  ...state.storage.sql.exec('SELECT * FROM take'),
  ...state.storage.sql.exec('SELECT * FROM take_segment'),
]

test('an attentive reader gets all of it, and nothing of it is kept', () =>
  inOwnShard({ limits }, async ({ shard, state }) => {
    const pool = held()
    const calls = answerTo('attentive', pool.answer)
    const reader = reading(await shard.open(aJob('attentive')))
    await expect.poll(() => calls.length).toBe(1)
    for (let piece = 1; piece <= 100; piece += 1) {
      pool.say(delta(`${piece} ${PIECE}`))
      await reader.upTo(piece)
    }
    pool.say(END)
    const read = await reader.toEnd()
    expect(read).toMatchObject({ outcome: 'completed', usage: { completionTokens: 100 }, events: 101 })
    const pieces = Array.from({ length: 100 }, (_, index) => `${index + 1} ${PIECE}`)
    expect(contentOf(read)).toBe(pieces.join(''))
    await expect.poll(() => storedOf(state)).toEqual([])
    answerTo('attentive', atOnce(delta('anew') + END))
    expect((await readAll(await shard.open(aJob('attentive')))).facts?.outcome).toBe('miss')
  }))

test('one who falls too far behind is told so by an end without an end, and the others are not held back', () =>
  inOwnShard({ limits }, async ({ shard }) => {
    const pool = held()
    const calls = answerTo('behind', pool.answer)
    const [slow, quick] = [
      reading(await shard.open(aJob('behind'))),
      reading(await shard.open(aJob('behind'))),
    ]
    await expect.poll(() => calls.length).toBe(1)
    pool.say(delta(PIECE))
    await slow.upTo(1)
    for (let piece = 1; piece <= 100; piece += 1) {
      pool.say(delta(PIECE))
      await quick.upTo(piece)
    }
    pool.say(END)
    expect(await quick.toEnd()).toMatchObject({ outcome: 'completed', events: 102 })
    const rest = await slow.toEnd()
    expect(rest.outcome).toBeUndefined()
    expect(rest.members.length).toBeLessThan(30)
  }))

test('who comes when a part is gone has it made anew, while it is made as afterwards', () =>
  inOwnShard({ limits }, async ({ shard }) => {
    const pool = held()
    const calls = answerTo('late', pool.answer)
    const first = reading(await shard.open(aJob('late')))
    await expect.poll(() => calls.length).toBe(1)
    for (let piece = 1; piece <= 40; piece += 1) {
      pool.say(delta(PIECE))
      await first.upTo(piece)
    }
    const again = answerTo('late', atOnce(delta('short') + END))
    const late = await readAll(await shard.open(aJob('late')))
    expect(late).toMatchObject({ facts: { outcome: 'miss' }, outcome: 'completed' })
    expect(contentOf(late)).toBe('short')
    pool.say(END)
    expect((await first.toEnd()).outcome).toBe('completed')
    // The longer one that ended later has not taken its place.
    const after = await readAll(await shard.open(aJob('late')))
    expect(after).toMatchObject({ facts: { outcome: 'hit' }, members: late.members })
    expect(again).toHaveLength(1)
  }))

test('an edge that lost it in the middle is told to go on by itself, where what comes next is gone', () =>
  inOwnShard({ limits }, async ({ shard }) => {
    const pool = held()
    const calls = answerTo('lost', pool.answer)
    const job = aJob('lost')
    const first = reading(await shard.open(job))
    await expect.poll(() => calls.length).toBe(1)
    for (let piece = 1; piece <= 40; piece += 1) {
      pool.say(delta(PIECE))
      await first.upTo(piece)
    }
    const { take = '' } = first.read
    const other = (events: number) => shard.open({ ...aJob('lost'), resumed: { take, events } })
    expect(await readAll(await other(3))).toMatchObject({ declined: 'gone' })
    const near = reading(await other(39))
    await near.upTo(1)
    pool.say(END)
    expect((await near.toEnd()).outcome).toBe('completed')
    await first.leave()
  }))

test('an answer that is just as long as a log may be is kept', () =>
  inOwnShard({ limits: { max_log_bytes: 200 } }, async ({ shard, state }) => {
    // Of a frame, what is kept: its members, without what is the reader's own.
    const frame = '{"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}]}'
    const end = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
    const room = 200 - frame.length - end.length
    for (const [length, isKept] of [
      [room, true],
      [room + 1, false],
    ] as const) {
      const prompt = `room for ${length}`
      const pool = held()
      const calls = answerTo(prompt, pool.answer)
      const reader = reading(await shard.open(aJob(prompt)))
      await expect.poll(() => calls.length).toBe(1)
      pool.say(delta('x'.repeat(length)))
      await reader.upTo(1)
      pool.say(END)
      expect((await reader.toEnd()).outcome).toBe('completed')
      answerTo(prompt, atOnce(delta('y') + END))
      const again = await readAll(await shard.open(aJob(prompt)))
      expect(again.facts?.outcome).toBe(isKept ? 'hit' : 'miss')
    }
    // A row of each of the two tables, for the one and for what was made in place of the other.
    await expect.poll(() => storedOf(state).length).toBe(4)
  }))
