/** A shard's streams give each reader the log's lines from where it stands, as fast as it takes them and no faster. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type LogOpening } from '../../../../workers/objects/log-stream.ts'
import { aGenerationJob } from '../../../support/generation-job.ts'
import { aGeneration, frame, tokens } from '../a-generation.ts'
import { endOf, FINISH, finishing, fiveTokens, HEAD, headOf, linesOf, read } from '../a-log-stream.ts'

const JOB = aGenerationJob('a')

beforeEach(() => {
  vi.useFakeTimers()
  // The runtime's own wait, on the timers that a test can move.
  vi.stubGlobal('scheduler', {
    wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('who joins late gets everything from the start, then what comes', async () => {
  const made = await fiveTokens()
  const early = read(headOf(made))
  const earlyText = early.rest()
  await made.say({ frames: tokens(5, 6) })
  const late = read(headOf(made)).rest()
  await made.say({ frames: tokens(6, 7) })
  await made.say({ frames: [frame('', { tokens: 5, reason: 'stop' })], outcome: 'completed' })
  const whole = HEAD + linesOf(0, 7) + FINISH + endOf('completed', 8)
  expect(await earlyText).toBe(whole)
  expect(await late).toBe(whole)
  expect(early.lefts).toEqual(['done'])
})

test('who has had a part gets the rest, and where it stands among all of it', async () => {
  const made = await fiveTokens()
  await made.say(finishing)
  expect(await read(headOf(made, { events: 3 })).rest()).toBe(
    HEAD + linesOf(3, 5) + FINISH + endOf('completed', 6),
  )
})

test('a refusal is all there is', async () => {
  const reader = read({ head: { refused: { reason: 'pool_timeout' } } })
  expect(await reader.rest()).toBe('h{"refused":{"reason":"pool_timeout"}}\n')
  expect(reader.lefts).toEqual(['done'])
  expect(vi.getTimerCount()).toBe(0)
})

test('what could not be opened breaks the stream, and nobody is left reading', async () => {
  const reader = read(Promise.reject(new Error('a broken invariant')))
  await expect(reader.rest()).rejects.toThrow('a broken invariant')
  expect(reader.lefts).toEqual(['done'])
  expect(vi.getTimerCount()).toBe(0)
})

describe('what is written', () => {
  test('is all that is there, in one write of up to sixteen thousand characters', async () => {
    const made = await fiveTokens()
    await made.say({ frames: tokens(5, 900) })
    const reader = read(headOf(made))
    expect(await reader.next()).toBe(HEAD)
    const sizes: number[] = []
    for (let total = 0; total < 895; total = reader.lines.length - 1) {
      sizes.push((await reader.next()).length)
    }
    expect(sizes.length).toBeLessThan(10)
    // The line breaks and counts are not among the characters.
    expect(Math.max(...sizes)).toBeLessThan(20_000)
    expect(reader.lines.slice(1).join('\n') + '\n').toBe(linesOf(0, 900))
  })

  test('waits in the log for a slow reader, who holds up neither the generation nor the others', async () => {
    const made = await fiveTokens()
    const slow = read(headOf(made))
    const quick = read(headOf(made))
    await slow.next()
    const quickText = quick.rest()
    for (let index = 5; index < 500; index += 1) await made.say({ frames: tokens(index, index + 1) })
    await made.say({ frames: [frame('', { reason: 'stop' })], outcome: 'completed' })
    expect(made.ends).toHaveLength(1)
    expect((await quickText).endsWith(endOf('completed', 501))).toBe(true)
    expect(await slow.rest()).toBe(await quickText)
  })

  test('is a blank line twice a second, while a reader waits for something to come', async () => {
    const made = aGeneration()
    const opening = made.generation.begun.then(() => headOf(made))
    const held = Promise.withResolvers<LogOpening>()
    const reader = read(held.promise)
    const text = reader.rest()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(reader.text).toBe('\n'.repeat(120))
    made.generation.join(JOB)
    void made.generation.begin(JOB)
    await made.begin({ frames: tokens(0, 5) })
    held.resolve(await opening)
    await vi.advanceTimersByTimeAsync(60_000)
    await made.say(finishing)
    expect((await text).replaceAll(/\n+/g, '\n').replace(/^\n/, '')).toBe(
      HEAD + linesOf(0, 5) + FINISH + endOf('completed', 6),
    )
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is nothing for a reader who takes nothing', async () => {
    const made = await fiveTokens()
    const reader = read(headOf(made))
    await reader.next()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await reader.next()).toBe(linesOf(0, 5))
  })
})

describe('who leaves', () => {
  test('is told of once, and leaves no timer behind, in whatever phase', async () => {
    const never = read(new Promise<LogOpening>(() => undefined))
    void never.next()
    await never.leave()
    const made = await fiveTokens()
    const reading = read(headOf(made))
    await reading.next()
    await reading.next()
    const waiting = reading.next()
    await reading.leave()
    await waiting
    expect([never.lefts, reading.lefts]).toEqual([['left'], ['left']])
    expect(vi.getTimerCount()).toBe(0)
    await made.say(finishing)
    await vi.advanceTimersByTimeAsync(1000)
    expect(reading.lefts).toEqual(['left'])
  })

  test('while the log passes its limit, has left and not had everything', async () => {
    const { log } = (await fiveTokens({ job: JOB })).generation
    expect(log.asked).toBeUndefined()
    const made = await fiveTokens()
    const reader = read(headOf(made, { limit: 6 }))
    await reader.next()
    await reader.next()
    const waiting = reader.next()
    await reader.leave()
    await waiting
    // Beyond the limit without an event at it: the stream would end here.
    await made.say({ frames: [frame('two tokens', { tokens: 7 })] })
    await vi.advanceTimersByTimeAsync(0)
    expect(reader.lefts).toEqual(['left'])
  })
})

describe('among very many readers', () => {
  /** Writes to the readers of these ranks, among ten who get each token at once. */
  async function writesTo(ranks: readonly number[]) {
    const made = await fiveTokens()
    const readers = ranks.map((rank) => read(headOf(made, { rank, maxFollowers: 10 })))
    for (const reader of readers) {
      await reader.next()
      await reader.next()
      void reader.rest()
    }
    for (let index = 5; index < 27; index += 1) {
      await made.say({ frames: tokens(index, index + 1) })
      await vi.advanceTimersByTimeAsync(50)
    }
    const during = readers.map(({ writes }) => writes)
    await made.say({ frames: [frame('', { tokens: 5, reason: 'stop' })], outcome: 'completed' })
    await vi.advanceTimersByTimeAsync(1000)
    return { during, texts: readers.map(({ text }) => text.replaceAll(/\n+/g, '\n')) }
  }

  test('the first get each token, later ones what came in a quarter of a second, the last the whole', async () => {
    const { during, texts } = await writesTo([0, 9, 10, 39, 40, 400])
    // 22 tokens in 1.1 seconds.
    expect(during).toEqual([22, 22, 4, 4, 0, 0])
    for (const text of texts) expect(text).toBe(HEAD + linesOf(0, 27) + FINISH + endOf('completed', 28))
  })
})
