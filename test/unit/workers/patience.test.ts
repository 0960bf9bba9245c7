/** A request ends when its client leaves or its deadline passes, and it is known which of them it was. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fingerprinted } from '../../../workers/contexts.ts'
import type { Edge } from '../../../workers/edge.ts'
import { patienceOf } from '../../../workers/patience.ts'
import type { AnswerStep } from '../../../workers/stream/answer-source.ts'
import { aRuntime } from './a-runtime.ts'
import { aSource } from './an-answered.ts'

beforeEach(() => {
  // `AbortSignal.timeout` is real here.
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function aPatience({ timeoutMs, totalMs = 60_000 }: { timeoutMs?: number; totalMs?: number }) {
  const runtime = aRuntime()
  const client = new AbortController()
  // Of a request and a mesh, patience needs what is here.
  const context = {
    request: { signal: client.signal },
    receivedAtMs: runtime.now(),
    narrowing: timeoutMs === undefined ? {} : { timeoutMs },
  } as unknown as Fingerprinted
  const edge = { runtime, mesh: { config: { limits: { total_ms: totalMs } } } } as unknown as Edge
  return { patience: patienceOf(context, edge), client, nowMs: runtime.now() }
}

const CANCELLED = { reason: 'client_cancelled' } as const

describe('the deadline', () => {
  test.each([
    ['is the client’s where it set one', { timeoutMs: 500 }, 500],
    ['is the mesh’s where it set none', {}, 60_000],
  ])('%s', async (_name, options, withinMs) => {
    const { patience, nowMs } = aPatience(options)
    expect(patience.endsByMs).toBe(nowMs + withinMs)
    const source = aSource([])
    let step: AnswerStep | undefined
    void patience
      .limit(source)
      .next()
      .then((given) => {
        step = given
      })
    await vi.advanceTimersByTimeAsync(withinMs - 1)
    expect(step).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(step).toEqual({ members: [], outcome: 'timed_out' })
    expect(source.cancels).toBe(1)
  })

  test('that has passed is told as such', async () => {
    vi.useRealTimers()
    const { patience } = aPatience({ totalMs: 1 })
    await vi.waitFor(() => expect(patience.signal.aborted).toBe(true))
    expect(patience.explain(CANCELLED)).toEqual({ reason: 'pool_timeout' })
    expect(patience.explain({ reason: 'not_cached' })).toEqual({ reason: 'not_cached' })
  })
})

describe('a client that leaves', () => {
  test('ends it, and is told as such', () => {
    const { patience, client } = aPatience({})
    client.abort()
    expect(patience.signal.aborted).toBe(true)
    expect(patience.explain(CANCELLED)).toEqual(CANCELLED)
  })

  test('may be noticed by its stream alone', () => {
    const { patience } = aPatience({})
    expect(patience.signal.aborted).toBe(false)
    patience.leave()
    expect(patience.signal.aborted).toBe(true)
    expect(patience.explain(CANCELLED)).toEqual(CANCELLED)
  })
})
