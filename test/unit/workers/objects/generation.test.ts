/** A generation is one upstream for all its readers: late ones get everything, and the last to leave ends it. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AnswerFacts } from '../../../../shared/log/answer-facts.ts'
import type { GatewayError } from '../../../../shared/errors.ts'
import { encodeEndLine, encodeFrameLine } from '../../../../shared/log/lines.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import { startGeneration, type Completion, type Generation } from '../../../../workers/objects/generation.ts'
import { logStream, type LogOpening } from '../../../../workers/objects/log-stream.ts'
import type { Dispatched } from '../../../../workers/stages/dispatch.ts'
import type { PoolStep } from '../../../../workers/stream/pool-answer.ts'

const FACTS: AnswerFacts = {
  outcome: 'miss',
  pool: 'p',
  region: 'r',
  jurisdiction: 'eu',
  attempts: 1,
  route: 'measured 5ms',
  modelVersion: '1',
  createdAtMs: 1,
  firstTokenMs: 5,
}

const CUT: PoolStep = { frames: [], outcome: 'client_cancelled' }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A generation whose upstream a test writes. */
function aGeneration() {
  const waiting: ((step: PoolStep) => void)[] = []
  const ends: { completion: Completion; state: string }[] = []
  let begin: (result: Result<{ dispatched: Dispatched; facts: AnswerFacts }, GatewayError>) => void = () =>
    undefined
  let fail: (error: Error) => void = () => undefined
  let signal: AbortSignal | undefined
  let isCut = false
  const answer = {
    next: () => (isCut ? Promise.resolve(CUT) : new Promise<PoolStep>((resolve) => waiting.push(resolve))),
    cancel() {
      isCut = true
      waiting.shift()?.(CUT)
    },
  }
  const generation = startGeneration({
    startedAtMs: 0,
    start: (given) => {
      signal = given
      return new Promise((resolve, reject) => {
        begin = resolve
        fail = reject
      })
    },
    onEnd: ({ log }, _facts, completion) => ends.push({ completion, state: log.state }),
  })
  return {
    generation,
    ends,
    aborted: () => signal?.aborted,
    begin: async (first: PoolStep) => {
      // Of a dispatch, a generation needs the first step and the rest.
      begin(ok({ dispatched: { first, answer } as unknown as Dispatched, facts: FACTS }))
      await settled()
    },
    refuse: async (error: GatewayError) => {
      begin(err(error))
      await settled()
    },
    breakDown: async () => {
      fail(new Error('a broken invariant'))
      await settled()
    },
    say: async (step: PoolStep) => {
      waiting.shift()?.(step)
      await settled()
    },
  }
}

function frame(text: string, reason?: string) {
  const members = JSON.stringify({ choices: [text] })
  return { members, hasContent: true, finishes: reason === undefined ? [] : [{ index: 0, reason }] }
}

const line = (text: string): string => encodeFrameLine(frame(text))

async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

/** A reader as the shard makes them. */
function read(generation: Generation) {
  const leave = generation.join()
  const opening = generation.begun.then((begun): LogOpening =>
    begun.ok
      ? { head: { facts: begun.value }, body: { kind: 'followed', generation } }
      : { head: { refused: begun.error }, body: { kind: 'nothing' } },
  )
  const reader = logStream(opening, leave).getReader()
  const decoder = new TextDecoder()
  return {
    next: async () => decoder.decode((await reader.read()).value),
    leave: () => reader.cancel(),
    async rest() {
      let text = ''
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text
        text += decoder.decode(value)
      }
    },
  }
}

test('who joins late gets everything from the start, then what comes', async () => {
  const { generation, begin, say } = aGeneration()
  const early = read(generation).rest()
  await begin({ frames: [frame('a')] })
  await say({ frames: [frame('b')] })
  const late = read(generation).rest()
  await settled()
  await say({ frames: [frame('c', 'stop')], outcome: 'completed' })
  const whole = line('a') + line('b') + line('c') + encodeEndLine({ outcome: 'completed' })
  expect((await early).endsWith(`}\n${whole}`)).toBe(true)
  expect(await late).toBe(await early)
})

test('a slow reader holds up neither the generation nor the others, and misses nothing', async () => {
  const { generation, begin, say, ends } = aGeneration()
  const slow = read(generation)
  const quick = read(generation).rest()
  await begin({ frames: [frame('0')] })
  await slow.next()
  for (let index = 1; index < 500; index += 1) await say({ frames: [frame(String(index))] })
  await say({ frames: [], outcome: 'completed' })
  expect(ends).toHaveLength(1)
  await quick
  const rest = await slow.rest()
  expect(rest.split('\n').filter((text) => text.startsWith('d'))).toHaveLength(500)
  expect(rest.endsWith(encodeEndLine({ outcome: 'completed' }))).toBe(true)
})

describe('when readers leave', () => {
  const PHASES = {
    'before the first token': () => Promise.resolve(),
    'after it': ({ begin }: ReturnType<typeof aGeneration>) => begin({ frames: [frame('a')] }),
  }
  test.each(Object.entries(PHASES))(
    '%s, the upstream ends with the last of them only',
    async (_name, reach) => {
      const made = aGeneration()
      const readers = [read(made.generation), read(made.generation), read(made.generation)]
      await reach(made)
      await readers[1]?.leave()
      await readers[0]?.leave()
      expect(made.aborted()).toBe(false)
      expect(made.generation.isAbandoned).toBe(false)
      await readers[2]?.leave()
      expect(made.aborted()).toBe(true)
      expect(made.generation.isAbandoned).toBe(true)
    },
  )

  test('leaving twice counts once', async () => {
    const { generation, aborted } = aGeneration()
    const leave = generation.join()
    generation.join()
    leave()
    leave()
    expect(aborted()).toBe(false)
  })

  test('between the first token and the first append, it still ends', async () => {
    const { generation, begin, ends } = aGeneration()
    const leave = generation.join()
    const beginning = begin({ frames: [frame('a')] })
    leave()
    await beginning
    await settled()
    expect(ends).toEqual([{ completion: {}, state: 'broken' }])
  })

  test('an abandoned generation ends as broken, and is not a whole answer', async () => {
    const { generation, begin, ends } = aGeneration()
    const reader = read(generation)
    await begin({ frames: [frame('a')] })
    await reader.leave()
    await settled()
    expect(ends).toEqual([{ completion: {}, state: 'broken' }])
    expect(generation.log.text().endsWith(encodeEndLine({ outcome: 'client_cancelled' }))).toBe(true)
  })

  test('after the end it ends nothing', async () => {
    const { generation, begin, aborted } = aGeneration()
    const reader = read(generation)
    await begin({ frames: [frame('a', 'stop')], outcome: 'completed' })
    await reader.leave()
    expect(aborted()).toBe(false)
  })

  test('no timer is left behind, in whatever phase', async () => {
    const before = aGeneration()
    const waiting = read(before.generation)
    void waiting.next()
    await waiting.leave()
    const after = aGeneration()
    const reading = read(after.generation)
    await after.begin({ frames: [frame('a')] })
    await reading.next()
    await reading.leave()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('readers of what cannot begin', () => {
  test('hear the reason', async () => {
    const { generation, refuse, ends } = aGeneration()
    const reader = read(generation)
    await refuse({ reason: 'pool_timeout' })
    expect(await reader.rest()).toBe('h{"refused":{"reason":"pool_timeout"}}\n')
    expect(ends).toEqual([{ completion: {}, state: 'broken' }])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('hear of it when starting broke, and the log is over for whoever comes later', async () => {
    const { generation, breakDown, ends } = aGeneration()
    const reader = read(generation)
    await breakDown()
    expect(await reader.rest()).toBe('h{"refused":{"reason":"internal_error"}}\n')
    expect(ends).toEqual([{ completion: {}, state: 'broken' }])
    expect(generation.log.state).toBe('broken')
  })
})

test.each([
  ['one choice', [frame('a', 'stop')], { finish: 'stop' }],
  [
    'several, one of which was cut by its limit first',
    [frame('a', 'length'), frame('b', 'stop')],
    { finish: 'length' },
  ],
  [
    'several, one of which was cut by its limit last',
    [frame('a', 'stop'), frame('b', 'length')],
    { finish: 'length' },
  ],
])('the finish of %s is known at the end', async (_name, frames, completion) => {
  const { begin, ends } = aGeneration()
  await begin({ frames, outcome: 'completed' })
  expect(ends).toEqual([{ completion, state: 'sealed' }])
})

test('a reader who waits long for the first token is shown that the shard lives, and reads the same', async () => {
  const { generation, begin, say } = aGeneration()
  const reader = read(generation)
  const text = reader.rest()
  await vi.advanceTimersByTimeAsync(60_000)
  await begin({ frames: [frame('a')] })
  await vi.advanceTimersByTimeAsync(60_000)
  await say({ frames: [], outcome: 'completed' })
  const beats = (await text)
    .split('\n')
    .slice(0, -1)
    .filter((part) => part === '').length
  expect(beats).toBeGreaterThan(1)
  expect((await text).replaceAll(/\n+/g, '\n').replace(/^\n/, '')).toBe(
    `h${JSON.stringify({ facts: FACTS })}\n${line('a')}${encodeEndLine({ outcome: 'completed' })}`,
  )
  expect(vi.getTimerCount()).toBe(0)
})
