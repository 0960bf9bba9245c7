/** A pool whose first token comes just as its time is over was late: nothing of it is served, and nobody is said to have left. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { callOut } from '../../../../workers/outgoing/call.ts'
import { aDispatch, must, pendingOf, run } from '../a-dispatch.ts'
import { aRuntime } from '../a-runtime.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const FIRST_TOKEN_MS = 1000
const SSE = { headers: { 'content-type': 'text/event-stream' } }

function event(delta: object, finish: string | null = null): Uint8Array {
  const chunk = { choices: [{ index: 0, delta, finish_reason: finish }] }
  return new TextEncoder().encode(`data: ${JSON.stringify(chunk)}\n\n`)
}

/** Begins with its role, and says its first word when its connection is being closed: that was on its way. */
function late(signal: AbortSignal): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(event({ role: 'assistant', content: '' }))
      signal.addEventListener('abort', () => controller.enqueue(event({ content: 'late' })))
    },
  })
  return new Response(body, SSE)
}

test('the next pool answers, and the answer is not one that was left', async () => {
  const setUp = aDispatch(
    (pool, signal) => {
      if (pool === 'eu-central') return late(signal)
      const whole = [
        event({ content: 'in time' }),
        event({}, 'stop'),
        new TextEncoder().encode('data: [DONE]\n\n'),
      ]
      return new Response(new Blob(whole).stream(), SSE)
    },
    { first_token_ms: FIRST_TOKEN_MS },
  )
  const running = run(setUp)
  await vi.advanceTimersByTimeAsync(FIRST_TOKEN_MS + 100)
  const dispatched = await running
  const { candidate, first, answer } = must(dispatched.ok ? dispatched.value : undefined)
  expect(candidate.placed.pool.id).toBe('us-east')
  const outcome = first.outcome ?? (await lastOf(answer))
  expect(outcome).toBe('completed')
  expect(setUp.asked).toEqual(['eu-central', 'us-east'])
  expect(pendingOf(setUp)).toBe(0)
})

test('and where all are late, that is what the client is told', async () => {
  const setUp = aDispatch((_pool, signal) => late(signal), { first_token_ms: FIRST_TOKEN_MS })
  const running = run(setUp)
  await vi.advanceTimersByTimeAsync(3 * FIRST_TOKEN_MS + 100)
  expect(await running).toEqual({ ok: false, error: { reason: 'pool_timeout' } })
})

test('headers that come just as their time is over are late, and their body is let go of', async () => {
  let isLetGo = false
  const body = new ReadableStream({
    cancel() {
      isLetGo = true
    },
  })
  const runtime = aRuntime({
    send: (_url, init) =>
      new Promise((resolve) => {
        init.signal?.addEventListener('abort', () => resolve(new Response(body)))
      }),
  })
  const calling = callOut(
    {
      url: 'https://pool.test/v1/chat/completions',
      method: 'POST',
      headers: {},
      allowedHosts: new Set(['pool.test']),
      headersWithinMs: 1000,
      abort: new AbortController(),
      from: { id: 'eu-central', jurisdiction: 'eu', latitude: 50, longitude: 8, colos: [] },
    },
    runtime,
  )
  await vi.advanceTimersByTimeAsync(1000)
  expect(await calling).toEqual({ ok: false, error: 'timeout' })
  expect(isLetGo).toBe(true)
})

async function lastOf(answer: { next(): Promise<{ readonly outcome?: string }> }): Promise<string> {
  for (;;) {
    const { outcome } = await answer.next()
    if (outcome !== undefined) return outcome
  }
}
