/** A stream is never silent for long to a client that waits, and holds nothing back for one that does not read. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keptAlive, type EventStep } from '../../../../workers/stream/keep-alive.ts'
import { aRuntime } from '../a-runtime.ts'

const KEEP_ALIVE_MS = 1000
const COMMENT = ': keep-alive\n\n'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function aStream({ beginsWithComment = false } = {}) {
  const runtime = aRuntime()
  const waiting: ((step: EventStep) => void)[] = []
  let asked = 0
  let cancels = 0
  const source = {
    next: () => {
      asked += 1
      return new Promise<EventStep>((resolve) => waiting.push(resolve))
    },
    cancel: () => {
      cancels += 1
    },
  }
  const stream = keptAlive(source, { keepAliveMs: KEEP_ALIVE_MS, beginsWithComment, runtime })
  const reader = stream.getReader()
  const seen: string[] = []
  return {
    reader,
    seen,
    asked: () => asked,
    cancels: () => cancels,
    /** Reads on for as long as there is something. */
    read: async () => {
      const decoder = new TextDecoder()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        seen.push(decoder.decode(value))
      }
    },
    take: async () => new TextDecoder().decode((await reader.read()).value),
    say: async (text: string, isLast = false) => {
      waiting.shift()?.({ text, isLast })
      await vi.advanceTimersByTimeAsync(0)
    },
    pass: async (ms: number) => {
      // What can happen now happens before time passes.
      await vi.advanceTimersByTimeAsync(0)
      runtime.advance(ms)
      await vi.advanceTimersByTimeAsync(ms)
    },
  }
}

describe('to a client that waits', () => {
  test('a comment goes out each time nothing has come for so long', async () => {
    const { read, seen, pass } = aStream()
    void read()
    await pass(999)
    expect(seen).toEqual([])
    await pass(1)
    expect(seen).toEqual([COMMENT])
    await pass(999)
    expect(seen).toEqual([COMMENT])
    await pass(1)
    expect(seen).toEqual([COMMENT, COMMENT])
  })

  test('silence counts from the last write, be it an event or a comment', async () => {
    const { read, say, seen, pass } = aStream()
    void read()
    await pass(600)
    await say('data: 1\n\n')
    await pass(999)
    expect(seen).toEqual(['data: 1\n\n'])
    await pass(1)
    expect(seen).toEqual(['data: 1\n\n', COMMENT])
  })

  test('one that gets events gets no comments', async () => {
    const { read, say, seen, pass } = aStream()
    void read()
    for (const text of ['a', 'b', 'c', 'd', 'e']) {
      await pass(500)
      await say(text)
    }
    await say('f', true)
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('a stream that began without its answer has a comment at once', async () => {
    const { read, say, seen, pass } = aStream({ beginsWithComment: true })
    void read()
    await pass(0)
    expect(seen).toEqual([COMMENT])
    await pass(1000)
    await say('data: 1\n\n', true)
    expect(seen).toEqual([COMMENT, COMMENT, 'data: 1\n\n'])
  })
})

describe('to a client that does not read', () => {
  test('at most one comment waits', async () => {
    const { pass, take, reader } = aStream()
    for (let comment = 0; comment < 100; comment += 1) await pass(KEEP_ALIVE_MS)
    expect(await take()).toBe(COMMENT)
    let isThere = false
    void reader.read().then(() => {
      isThere = true
    })
    await pass(0)
    expect(isThere).toBe(false)
  })

  test('nothing is written behind an event it has not taken, and nothing is read ahead', async () => {
    const { say, pass, take, asked } = aStream()
    await pass(0)
    await say('data: 1\n\n')
    await pass(60_000)
    expect(asked()).toBe(1)
    expect(await take()).toBe('data: 1\n\n')
    await pass(999)
    expect(asked()).toBe(2)
    const next = take()
    await pass(1)
    expect(await next).toBe(COMMENT)
  })
})

test('the end leaves no timer', async () => {
  const { read, say, pass, seen } = aStream()
  const whole = read()
  await pass(1500)
  await say('data: [DONE]\n\n', true)
  await whole
  expect(seen).toEqual([COMMENT, 'data: [DONE]\n\n'])
  expect(vi.getTimerCount()).toBe(0)
})

test('a client that leaves is passed on and leaves no timer; what comes after is for nobody', async () => {
  const { reader, say, pass, cancels } = aStream()
  await pass(10)
  await reader.cancel()
  expect(cancels()).toBe(1)
  expect(vi.getTimerCount()).toBe(0)
  await say('data: 1\n\n')
  expect(await reader.read()).toEqual({ done: true, value: undefined })
})
