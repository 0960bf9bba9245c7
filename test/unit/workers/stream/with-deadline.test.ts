/** A source is held to its reader's deadline: what is not here by then has timed out, and the source is let go of. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { AnswerSource, AnswerStep } from '../../../../workers/stream/answer-source.ts'
import { withDeadline } from '../../../../workers/stream/with-deadline.ts'
import { aRuntime } from '../a-runtime.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function aSource() {
  const runtime = aRuntime()
  const waiting: ((step: AnswerStep) => void)[] = []
  let cancels = 0
  const source: AnswerSource = {
    next: () => new Promise((resolve) => waiting.push(resolve)),
    cancel: () => {
      cancels += 1
    },
  }
  return {
    limited: withDeadline(source, { endsByMs: runtime.now() + 100 }, runtime),
    answer: (step: AnswerStep) => waiting.shift()?.(step),
    cancels: () => cancels,
    pass: async (ms: number) => {
      runtime.advance(ms)
      await vi.advanceTimersByTimeAsync(ms)
    },
  }
}

test('steps in time pass through, and leave no timer', async () => {
  const { limited, answer, pass, cancels } = aSource()
  for (const step of [{ members: ['a'] }, { members: [], outcome: 'completed' as const }]) {
    const next = limited.next()
    await pass(49)
    answer(step)
    expect(await next).toEqual(step)
  }
  expect(vi.getTimerCount()).toBe(0)
  expect(cancels()).toBe(0)
})

test('the deadline is for the whole: time spent on earlier steps is gone', async () => {
  const { limited, answer, pass, cancels } = aSource()
  const first = limited.next()
  await pass(60)
  answer({ members: ['a'] })
  await first
  const second = limited.next()
  await pass(39)
  expect(cancels()).toBe(0)
  await pass(1)
  expect(await second).toEqual({ members: [], outcome: 'timed_out' })
  expect(cancels()).toBe(1)
})

test('a deadline that has passed lets nothing wait', async () => {
  const { limited, pass, cancels } = aSource()
  await pass(500)
  const next = limited.next()
  await pass(0)
  expect((await next).outcome).toBe('timed_out')
  expect(cancels()).toBe(1)
})

test('a deadline that passes while nobody reads ends the source all the same', async () => {
  const { limited, answer, pass, cancels } = aSource()
  const first = limited.next()
  answer({ members: ['a'] })
  await first
  await pass(100)
  expect(cancels()).toBe(1)
  expect(await limited.next()).toEqual({ members: [], outcome: 'timed_out' })
})

test('a step that comes after the deadline is not a second one', async () => {
  const { limited, answer, pass } = aSource()
  const next = limited.next()
  await pass(100)
  answer({ members: ['late'], outcome: 'completed' })
  expect(await next).toEqual({ members: [], outcome: 'timed_out' })
})

test('a reader that leaves is passed on, and leaves no timer', () => {
  const { limited, cancels } = aSource()
  limited.cancel()
  expect(cancels()).toBe(1)
  expect(vi.getTimerCount()).toBe(0)
})
