/** A pool's answer is read whatever its chunks are, is cut only for its own silence, and ends in exactly one way. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createIngest } from '../../../../shared/stream/ingest.ts'
import { vllm } from '../../../../workers/adapters/vllm.ts'
import { readPoolAnswer, type PoolAnswer, type PoolStep } from '../../../../workers/stream/pool-answer.ts'
import { delta, DONE, finish, wholeAnswer } from '../../../support/pool-events.ts'
import { aRuntime } from '../a-runtime.ts'
import { cutStream } from '../cut-stream.ts'
import { heldBody } from '../held-body.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function reading(body?: ReadableStream<Uint8Array>, maxBytes = 1_000_000) {
  const abort = new AbortController()
  const held = heldBody(abort.signal)
  const runtime = aRuntime()
  const answer = readPoolAnswer({
    body: body ?? held.body,
    ingest: createIngest({ surface: 'chat', readEvent: vllm.readEvent, expectedChoices: 1 }),
    abort,
    maxBytes,
    idleMs: 100,
    endsByMs: runtime.now() + 1000,
    runtime,
  })
  const pass = async (ms: number): Promise<void> => {
    runtime.advance(ms)
    await vi.advanceTimersByTimeAsync(ms)
  }
  return { abort, held, answer, pass }
}

async function readAll(answer: PoolAnswer): Promise<Omit<PoolStep, 'frames'> & { members: string[] }> {
  const members: string[] = []
  for (;;) {
    const { frames, ...end } = await answer.next()
    members.push(...frames.map((frame) => frame.members))
    if (end.outcome !== undefined) return { members, ...end }
  }
}

test('however it is cut into chunks, inside characters too, the frames are the same', async () => {
  const text = wholeAnswer('Grüße ', '✓ ', '👩‍🚀', 'end')
  const whole = await readAll(reading(cutStream(text)).answer)
  expect(whole).toMatchObject({ outcome: 'completed', usage: { promptTokens: 5, completionTokens: 4 } })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 40 }), async (cuts) => {
      expect(await readAll(reading(cutStream(text, cuts)).answer)).toEqual(whole)
    }),
    { numRuns: 100 },
  )
})

describe('it ends as', () => {
  test.each([
    ['completed', wholeAnswer('Hi')],
    ['completed', delta('Hi') + finish()],
    ['truncated', delta('Hi')],
    ['truncated', delta('Hi') + DONE],
    ['truncated', ''],
    ['upstream_error', `${delta('Hi')}data: {"error":{"message":"no"}}\n\n${DONE}`],
  ])('%s where that is what the pool wrote (%#)', async (outcome, text) => {
    expect((await readAll(reading(cutStream(text)).answer)).outcome).toBe(outcome)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('truncated when the connection breaks', async () => {
    const { held, answer } = reading()
    held.say(delta('Hi'))
    await answer.next()
    const next = answer.next()
    held.break()
    expect(await next).toEqual({ frames: [], outcome: 'truncated' })
  })

  test('completed when the connection breaks after everything was said', async () => {
    const { held, answer } = reading()
    held.say(delta('Hi') + finish())
    await answer.next()
    const next = answer.next()
    held.break()
    expect((await next).outcome).toBe('completed')
  })

  test('stalled after the idle time of waiting, and the connection is closed', async () => {
    const { abort, held, answer, pass } = reading()
    held.say(delta('Hi'))
    await answer.next()
    const next = answer.next()
    await pass(99)
    expect(abort.signal.aborted).toBe(false)
    await pass(1)
    expect(await next).toEqual({ frames: [], outcome: 'stalled' })
    expect(abort.signal.aborted).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('completed when a pool has said everything, and then neither ends nor closes', async () => {
    const { held, answer, pass } = reading()
    held.say(delta('Hi') + finish())
    await answer.next()
    const next = answer.next()
    await pass(100)
    expect((await next).outcome).toBe('completed')
  })

  test('timed_out at the end of its time, though it never stopped sending', async () => {
    const { held, answer, pass } = reading()
    for (let elapsedMs = 0; elapsedMs < 950; elapsedMs += 50) {
      held.say(delta('.'))
      expect((await answer.next()).outcome).toBeUndefined()
      await pass(50)
    }
    const next = answer.next()
    await pass(50)
    expect(await next).toEqual({ frames: [], outcome: 'timed_out' })
  })

  test('client_cancelled when it is cancelled, before, during and between reads', async () => {
    for (const when of ['before', 'during', 'between'] as const) {
      const { abort, held, answer } = reading()
      if (when === 'between') {
        held.say(delta('Hi'))
        await answer.next()
      }
      const pending = when === 'during' ? answer.next() : undefined
      answer.cancel()
      expect(await (pending ?? answer.next())).toEqual({ frames: [], outcome: 'client_cancelled' })
      expect(abort.signal.aborted).toBe(true)
      expect(vi.getTimerCount()).toBe(0)
    }
  })

  test('client_cancelled when it was aborted before it was read', async () => {
    const abort = new AbortController()
    abort.abort()
    const runtime = aRuntime()
    const answer = readPoolAnswer({
      body: new ReadableStream({ start: (controller) => controller.error(abort.signal.reason) }),
      ingest: createIngest({ surface: 'chat', readEvent: vllm.readEvent, expectedChoices: 1 }),
      abort,
      maxBytes: 1000,
      idleMs: 100,
      endsByMs: runtime.now() + 1000,
      runtime,
    })
    expect(await answer.next()).toEqual({ frames: [], outcome: 'client_cancelled' })
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a slow reader is not a silent pool', async () => {
  const { abort, held, answer, pass } = reading()
  held.say(delta('Hi'))
  await answer.next()
  await pass(900)
  expect(abort.signal.aborted).toBe(false)
  held.say(delta('again'))
  expect((await answer.next()).frames).toHaveLength(1)
  answer.cancel()
})

test('what nobody asks for is not read ahead', async () => {
  const { held, answer } = reading()
  await vi.advanceTimersByTimeAsync(50)
  expect(held.pulls).toBe(0)
  const next = answer.next()
  expect(held.pulls).toBe(1)
  held.say(delta('Hi'))
  await next
  expect(held.pulls).toBe(1)
  answer.cancel()
})

test('a pool that does not end is cut when it has sent too much', async () => {
  const { abort, held, answer } = reading(undefined, 1000)
  held.say(delta('x'.repeat(500)))
  expect((await answer.next()).outcome).toBeUndefined()
  held.say(delta('x'.repeat(500)))
  expect(await answer.next()).toEqual({ frames: [], outcome: 'upstream_error' })
  expect(abort.signal.aborted).toBe(true)
})
