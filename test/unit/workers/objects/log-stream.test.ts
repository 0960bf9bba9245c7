/** A shard's streams give each reader the log's lines from where it stands, as fast as it takes them and no faster. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { encodeEndLine, encodeFrameLine } from '../../../../shared/log/lines.ts'
import { logStream, type LogOpening, type LogReadingJob } from '../../../../workers/objects/log-stream.ts'
import { aGenerationJob, limitedTo } from '../../../support/generation-job.ts'
import { aGeneration, frame, readingOf, tokens, type GenerationSetUp } from '../a-generation.ts'

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

/** A stream on which everything has been read that is there. */
function read(opening: Promise<LogOpening> | LogOpening) {
  const lefts: string[] = []
  const reader = logStream(Promise.resolve(opening), (why) => lefts.push(why)).getReader()
  const decoder = new TextDecoder()
  let text = ''
  let writes = 0
  return {
    lefts,
    /** Writes that brought something, of those that `rest` has read. */
    get writes() {
      return writes
    },
    leave: () => reader.cancel(),
    get lines() {
      return text.split('\n').slice(0, -1)
    },
    get text() {
      return text
    },
    /** One write of the shard's. */
    async next() {
      const { value } = await reader.read()
      const chunk = decoder.decode(value)
      text += chunk
      return chunk
    },
    async rest() {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text
        const chunk = decoder.decode(value)
        text += chunk
        if (chunk !== '\n') writes += 1
      }
    },
  }
}

const HEAD = 'h{"refused":{"reason":"not_cached"}}\n'

function headOf({ generation }: GenerationSetUp, changes: Partial<LogReadingJob> = {}): LogOpening {
  // Of a head, a stream needs none of what it says.
  return { head: { refused: { reason: 'not_cached' } }, reading: readingOf(generation, changes) }
}

const linesOf = (from: number, to: number): string =>
  tokens(from, to)
    .map(({ members, completionTokens }) =>
      encodeFrameLine({ members, ...(completionTokens === undefined ? {} : { tokens: completionTokens }) }),
    )
    .join('')
const FINISH = encodeFrameLine({ members: frame('', { reason: 'stop' }).members, tokens: 5 })
const endOf = (outcome: string, events: number, pools = ['eu-central']): string =>
  encodeEndLine({ outcome, pools, events })

/** One whose first five tokens are there. */
async function begun(changes: Parameters<typeof aGeneration>[0] = {}) {
  const made = aGeneration(changes)
  const reader = made.generation.join(changes.job ?? JOB)
  void made.generation.begin(changes.job ?? JOB)
  await made.begin({ frames: tokens(0, 5) })
  return { ...made, reader, generation: made.generation }
}

const finishing = { frames: [frame('', { tokens: 5, reason: 'stop' })], outcome: 'completed' } as const

test('who joins late gets everything from the start, then what comes', async () => {
  const made = await begun()
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
  const made = await begun()
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
    const made = await begun()
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
    const made = await begun()
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
    const made = await begun()
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
    const made = await begun()
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
    const { log } = (await begun({ job: JOB })).generation
    expect(log.asked).toBeUndefined()
    const made = await begun()
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

describe('a log that goes on', () => {
  const five = limitedTo(JOB, 5)
  const cutAtFive = { frames: [frame('', { tokens: 5, reason: 'length' })], outcome: 'completed' } as const

  test('is followed by who wants more than it was made for, without the end in between', async () => {
    const made = await begun({ job: five })
    made.generation.join(limitedTo(JOB, 8))
    const text = read(headOf(made, { limit: 8 })).rest()
    await made.say(cutAtFive)
    await vi.advanceTimersByTimeAsync(0)
    expect(made.starts).toHaveLength(2)
    await made.begin({ frames: tokens(5, 8) }, 'us-east')
    await made.say({ frames: [frame('', { tokens: 8, reason: 'length' })], outcome: 'completed' })
    const lines = (await text).split('\n')
    expect(lines.slice(1, 9).join('\n') + '\n').toBe(linesOf(0, 8))
    expect(lines.at(-2)).toBe(endOf('completed', 9, ['eu-central', 'us-east']).trim())
    expect(lines.filter((line) => line.includes('"length"'))).toHaveLength(1)
  })

  test('and whose own limit ended it, gets its end all the same, from whenever it reads', async () => {
    const made = await begun({ job: five })
    const slow = read(headOf(made, { limit: 5 }))
    await slow.next()
    await made.say(cutAtFive)
    made.generation.join(limitedTo(JOB, 8))
    void made.generation.extend()
    await made.begin({ frames: tokens(5, 8) })
    const end = encodeFrameLine({ members: frame('', { reason: 'length' }).members, tokens: 5 })
    expect(await slow.rest()).toBe(HEAD + linesOf(0, 5) + end + endOf('completed', 6))
  })

  test('is truncated for whom nobody goes on', async () => {
    const made = await begun({ job: five })
    made.generation.join(limitedTo(JOB, 8))
    const text = read(headOf(made, { limit: 8 })).rest()
    await made.say(cutAtFive)
    await vi.advanceTimersByTimeAsync(0)
    await made.refuse({ reason: 'no_eligible_pool', retryAfterSeconds: 1 })
    expect(await text).toBe(HEAD + linesOf(0, 5) + endOf('truncated', 6))
  })
})

describe('a log that broke', () => {
  test.each(['truncated', 'upstream_error', 'stalled', 'timed_out'] as const)(
    'ends for its readers as it broke: %s',
    async (outcome) => {
      const made = await begun()
      const text = read(headOf(made)).rest()
      await made.say({ frames: [], outcome })
      expect(await text).toBe(HEAD + linesOf(0, 5) + endOf(outcome, 5))
      expect(made.starts).toHaveLength(1)
    },
  )

  test('is continued for who came for that, and only once', async () => {
    const made = await begun()
    await made.say({ frames: [], outcome: 'truncated' })
    const text = read(headOf(made, { isExtended: true })).rest()
    await vi.advanceTimersByTimeAsync(0)
    expect(made.starts).toHaveLength(2)
    await made.begin({ frames: tokens(5, 6) }, 'us-east')
    await made.say({ frames: [], outcome: 'stalled' })
    expect(await text).toBe(HEAD + linesOf(0, 6) + endOf('stalled', 6, ['eu-central', 'us-east']))
    expect(made.starts).toHaveLength(2)
  })
})

describe('without an end line, so that its reader sees how it goes on from what it has', () => {
  test('ends what was dropped before it was read', async () => {
    const made = await begun({ maxBytes: 2000 })
    const slow = read(headOf(made))
    await slow.next()
    for (let index = 5; index < 100; index += 1) await made.say({ frames: tokens(index, index + 1) })
    expect(await slow.rest()).toBe(HEAD)
    expect(slow.lefts).toEqual(['done'])
  })

  test('ends what passed the reader’s limit and cannot be cut there', async () => {
    const made = await begun()
    const text = read(headOf(made, { limit: 6 })).rest()
    await made.say({ frames: [frame('two tokens', { tokens: 7 })] })
    expect(await text).toBe(HEAD + linesOf(0, 5))
  })
})

describe('among very many readers', () => {
  /** Writes to the readers of these ranks, among ten who get each token at once. */
  async function writesTo(ranks: readonly number[]) {
    const made = await begun()
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
