/** Readers of one generation inside the runtime: they share it, join it late, and end it by leaving. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { delta, finish, usage, DONE, wholeAnswer } from '../../support/pool-events.ts'
import { aJob, aShard, contentOf, limitedTo, parseLog, readAll } from '../support/jobs.ts'
import { answerTo, atOnce, held, standInForPools } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

let shard = aShard()
beforeEach(() => {
  shard = aShard()
})

const END = finish() + usage(5, 2) + DONE

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

test('a reader with another limit, or who may not have the pool, gets a generation of its own', async () => {
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
  await within(() => pools.slice(0, 2).forEach((pool) => pool.say(wholeAnswer('x'))))
  // The third may only learn what pool makes the first when that has begun.
  await expect.poll(() => calls.length).toBe(3)
  await within(() => pools[2]?.say(wholeAnswer('x')))
  const outcomes = (await Promise.all(read)).map(({ facts }) => facts?.outcome)
  expect(outcomes).toEqual(['miss', 'miss', 'miss'])
  expect(new URL(calls[2]?.url ?? '').host).toBe('us-east.pool.test')
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

  test('of the last reader after it does too, and nothing of it is kept', async () => {
    const pool = held()
    const calls = answerTo('after', pool.answer)
    const reader = (await shard.open(aJob('after'))).getReader()
    await within(() => pool.say(delta('a')))
    await reader.read()
    await reader.cancel()
    await expect.poll(() => calls[0]?.signal.aborted, { timeout: 5000 }).toBe(true)
    answerTo('after', atOnce(wholeAnswer('anew')))
    const again = await readAll(await shard.open(aJob('after')))
    expect(again.facts?.outcome).toBe('miss')
    expect(contentOf(again)).toBe('anew')
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

test('a shard that is evicted in the middle loses the generation visibly, and makes it anew', async () => {
  const pool = held()
  answerTo('lost', pool.answer)
  const stream = await shard.open(aJob('lost'))
  const reader = stream.getReader()
  await within(() => pool.say(delta('a')))
  await reader.read()
  await within(() => pool.break())
  const rest = await restOf(reader)
  expect(parseLog(rest).outcome).toBe('truncated')
  await evictDurableObject(shard)
  answerTo('lost', atOnce(wholeAnswer('anew')))
  expect(contentOf(await readAll(await shard.open(aJob('lost'))))).toBe('anew')
})

async function restOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text
    text += decoder.decode(value, { stream: true })
  }
}
