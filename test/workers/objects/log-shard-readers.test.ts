/** Readers of one generation inside the runtime: they share it, join it late, and end it by leaving. */
import { runInDurableObject } from 'cloudflare:test'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { delta, finish, usage, DONE, wholeAnswer } from '../../support/pool-events.ts'
import { TOKENS, WHOLE_TEXT } from '../../support/token-engine.ts'
import {
  aJob,
  aShard,
  cachedAs,
  contentOf,
  finishesOf,
  limitedTo,
  parseLog,
  readAll,
} from '../support/jobs.ts'
import {
  answerTo,
  atOnce,
  engine,
  held,
  heldEngine,
  poolOf,
  standInForPools,
} from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

let shard = aShard()
beforeEach(() => {
  shard = aShard()
})

const END = finish() + usage(5, 2) + DONE
const textOf = (tokens: number): string => TOKENS.slice(0, tokens).join('')

/** Lets the pool write, in the context of the object that reads it. */
function within(write: () => void): Promise<void> {
  return runInDurableObject(shard, write)
}

test('two readers at the same moment share one generation', async () => {
  const pool = held()
  const calls = answerTo('together', pool.answer)
  const streams = await Promise.all([shard.open(aJob('together')), shard.open(aJob('together'))])
  const read = streams.map((stream) => readAll(stream))
  await within(() => pool.say(delta('a') + delta('b') + END))
  const [first, second] = await Promise.all(read)
  expect(calls).toHaveLength(1)
  expect(first?.facts?.outcome).toBe('miss')
  expect(second?.facts?.outcome).toBe('coalesced')
  expect(second?.members).toEqual(first?.members)
  expect(second?.usage).toEqual(first?.usage)
  expect(second?.take).toBe(first?.take)
})

test('a late one gets everything from the start, and then what comes', async () => {
  const pool = held()
  const calls = answerTo('late', pool.answer)
  const early = readAll(await shard.open(aJob('late')))
  await within(() => pool.say(delta('first ')))
  const stream = await shard.open(aJob('late'))
  const late = readAll(stream)
  await within(() => pool.say(delta('second') + END))
  expect(contentOf(await late)).toBe('first second')
  expect((await late).members).toEqual((await early).members)
  expect(calls).toHaveLength(1)
})

test('readers with limits of their own share one generation, whenever they come', async () => {
  const [first, second] = [heldEngine(), heldEngine()]
  let turn = 0
  const calls = answerTo('limits', (call) => {
    turn += 1
    return (turn === 1 ? first : second).answer(call)
  })
  const open = async (limit: number) => readAll(await shard.open(limitedTo(aJob('limits'), limit)))
  // Before the first token, in the middle, and when all that they want is there.
  const reading = [open(12), open(5), open(15)]
  await expect.poll(() => calls.length).toBe(1)
  await within(() => first.upTo(7))
  reading.push(open(4), open(7), open(10), open(15))
  await within(() => first.upTo(Infinity))
  await expect.poll(() => calls.length).toBe(2)
  await within(() => second.upTo(Infinity))
  const limits = [12, 5, 15, 4, 7, 10, 15]
  for (const [index, read] of (await Promise.all(reading)).entries()) {
    const limit = limits[index] ?? 0
    expect(contentOf(read)).toBe(textOf(limit))
    expect(finishesOf(read)).toEqual(['length'])
    expect(read).toMatchObject({ outcome: 'completed', usage: { promptTokens: 7, completionTokens: limit } })
  }
  expect(calls.map(({ body }) => body.max_tokens)).toEqual([12, 3])
})

test('a reader with a limit that cannot be cut, or who may not have the pool, gets a generation of its own', async () => {
  const pools = [held(), held(), held()]
  let turn = 0
  const calls = answerTo('apart', (call) => {
    turn += 1
    return (pools[turn - 1] ?? held()).answer(call)
  })
  const jobs = [
    aJob('apart', { allowedPools: ['eu-central'] }),
    limitedTo(aJob('apart'), 2),
    aJob('apart', { allowedPools: ['us-east'] }),
  ]
  const streams = await Promise.all(jobs.map((job) => shard.open(job)))
  const read = streams.map((stream) => readAll(stream))
  await expect.poll(() => calls.length).toBe(3)
  // Its pieces are not counted: where two tokens end is not known.
  await within(() => pools.forEach((pool) => pool.say(wholeAnswer('x'))))
  const outcomes = (await Promise.all(read)).map(({ facts }) => facts?.outcome)
  expect(outcomes).toEqual(['miss', 'miss', 'miss'])
  expect(calls.map(poolOf)).toContain('us-east')
})

test('a refresh joins what is being made, and does not take what is there', async () => {
  const pools = [heldEngine(), heldEngine()]
  let turn = 0
  const calls = answerTo('refresh', (call) => {
    turn += 1
    return (pools[turn - 1] ?? heldEngine()).answer(call)
  })
  const old = readAll(await shard.open(aJob('refresh')))
  await within(() => pools[0]?.upTo(Infinity))
  await old
  const fresh = cachedAs(aJob('refresh'), { read: false })
  const readers = [fresh, cachedAs(aJob('refresh'), { read: false })].map(async (job) =>
    readAll(await shard.open(job)),
  )
  await expect.poll(() => calls.length).toBe(2)
  // Who takes what is there does not wait for it.
  expect(await readAll(await shard.open(aJob('refresh')))).toMatchObject({ facts: { outcome: 'hit' } })
  await within(() => pools[1]?.upTo(Infinity))
  const [first, second] = await Promise.all(readers)
  expect([first?.facts?.outcome, second?.facts?.outcome]).toEqual(['refresh', 'coalesced'])
  expect(second?.take).toBe(first?.take)
  expect(first?.take).not.toBe((await old).take)
  expect(calls).toHaveLength(2)
})

test('one extension serves all who wait for more, and those who want still more have another', async () => {
  const extensions = [heldEngine(), heldEngine()]
  const calls = answerTo('extension', (call) => {
    // The first answer is there at once, the others as the test says.
    const pool = extensions[calls.length - 2]
    return pool === undefined ? engine()(call) : pool.answer(call)
  })
  await readAll(await shard.open(limitedTo(aJob('extension'), 5)))
  const reading = [14, 9, 11, 17].map(async (limit) =>
    readAll(await shard.open(limitedTo(aJob('extension'), limit))),
  )
  await expect.poll(() => calls.length).toBe(2)
  await within(() => extensions[0]?.upTo(Infinity))
  await expect.poll(() => calls.length).toBe(3)
  await within(() => extensions[1]?.upTo(Infinity))
  const read = await Promise.all(reading)
  expect(read.map(contentOf)).toEqual([14, 9, 11, 17].map(textOf))
  expect(read.map(finishesOf)).toEqual([['length'], ['length'], ['length'], ['length']])
  expect(calls.map(({ body }) => body.max_tokens)).toEqual([5, 9, 3])
})

describe('leaving', () => {
  test('of the last reader before the first token ends the call to the pool', async () => {
    const pool = held()
    const calls = answerTo('before', pool.answer)
    const stream = await shard.open(aJob('before'))
    const reader = stream.getReader()
    // The runtime rejects a read that is cancelled.
    reader.read().catch(() => undefined)
    await expect.poll(() => calls.length).toBe(1)
    await reader.cancel()
    await expect.poll(() => calls[0]?.signal.aborted, { timeout: 5000 }).toBe(true)
  })

  test('of the last reader after it does too; what there is is continued for the next', async () => {
    const [pool, next] = [heldEngine(), heldEngine()]
    let turn = 0
    const calls = answerTo('after', (call) => {
      turn += 1
      return (turn === 1 ? pool : next).answer(call)
    })
    const reader = (await shard.open(aJob('after'))).getReader()
    await expect.poll(() => calls.length).toBe(1)
    await within(() => pool.upTo(6))
    await reader.read()
    await reader.cancel()
    await expect.poll(() => calls[0]?.signal.aborted, { timeout: 5000 }).toBe(true)
    await within(() => undefined)
    const again = readAll(await shard.open(aJob('after')))
    await expect.poll(() => calls.length).toBe(2)
    await within(() => next.upTo(Infinity))
    expect((await again).facts?.outcome).toBe('extended')
    expect(contentOf(await again)).toBe(WHOLE_TEXT)
  })

  test('of one reader does not end it for the other', async () => {
    const pool = held()
    const calls = answerTo('one', pool.answer)
    const leaver = (await shard.open(aJob('one'))).getReader()
    const stayer = readAll(await shard.open(aJob('one')))
    await within(() => pool.say(delta('a')))
    await leaver.read()
    await leaver.cancel()
    await within(() => pool.say(delta('b') + END))
    expect(await stayer).toMatchObject({ outcome: 'completed' })
    expect(calls[0]?.signal.aborted).toBe(false)
  })

  test('of who has joined to get more lets the others have theirs', async () => {
    const [first, second] = [heldEngine(), heldEngine()]
    let turn = 0
    const calls = answerTo('more', (call) => {
      turn += 1
      return (turn === 1 ? first : second).answer(call)
    })
    const little = readAll(await shard.open(limitedTo(aJob('more'), 5)))
    const leaver = (await shard.open(limitedTo(aJob('more'), 12))).getReader()
    await expect.poll(() => calls.length).toBe(1)
    await within(() => first.upTo(4))
    await leaver.read()
    await leaver.cancel()
    await within(() => first.upTo(Infinity))
    expect(contentOf(await little)).toBe(textOf(5))
    expect(calls).toHaveLength(1)
  })

  test('in the same turn in which another asks does not give that one a dead generation', async () => {
    const pool = held()
    const calls = answerTo('turn', pool.answer)
    const answers = await runInDurableObject(shard, async (instance) => {
      // The instance has the methods of the stub; only the stub's type is branded.
      const { open } = instance as unknown as { open: (job: unknown) => Promise<ReadableStream<Uint8Array>> }
      const ask = open.bind(instance)
      const first = (await ask(aJob('turn'))).getReader()
      pool.say(delta('a'))
      await first.read()
      answerTo('turn', atOnce(wholeAnswer('alive')))
      const leaving = first.cancel()
      const second = await ask(aJob('turn'))
      await leaving
      return new Response(second).text()
    })
    expect(contentOf(parseLog(answers))).toBe('alive')
    expect(parseLog(answers).outcome).toBe('completed')
    expect(calls[0]?.signal.aborted).toBe(true)
  })
})

test('what fails for one fails for all who wait for it, and not for who comes after', async () => {
  answerTo('failing', () => new Response('{}', { status: 400 }))
  const streams = await Promise.all([shard.open(aJob('failing')), shard.open(aJob('failing'))])
  const read = await Promise.all(streams.map((stream) => readAll(stream)))
  expect(read.map(({ refused }) => refused)).toEqual(['pool_rejected_request', 'pool_rejected_request'])
  answerTo('failing', atOnce(wholeAnswer('well')))
  expect(contentOf(await readAll(await shard.open(aJob('failing'))))).toBe('well')
})
