/** A pool that does not begin in time is left for the next one; only the mesh's own deadline says that it failed. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CLOSED } from '../../../../shared/pool/circuit-breaker.ts'
import { levelMs } from '../../../../shared/pool/prefill-fit.ts'
import type { PoolState } from '../../../../shared/pool/snapshot.ts'
import { delta, role, wholeAnswer } from '../../../support/pool-events.ts'
import { aDispatch, must, pendingOf, run, type DispatchSetUp } from '../a-dispatch.ts'
import { heldBody, sse } from '../held-body.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const LIMITS = { first_token_ms: 1000, idle_ms: 5000, max_attempts: 2 }
const ACROSS_THE_SEA_MS = 90

const SILENT = {
  'no headers': (signal: AbortSignal) =>
    new Promise<Response>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new TypeError('aborted')))
    }),
  'headers, and no token': (signal: AbortSignal) => sse(heldBody(signal).body),
  'a role, and no token': (signal: AbortSignal) => {
    const held = heldBody(signal)
    held.say(role())
    return sse(held.body)
  },
}

async function pass(mesh: DispatchSetUp, ms: number): Promise<void> {
  // What can happen now happens before time passes.
  await vi.advanceTimersByTimeAsync(0)
  mesh.runtime.advance(ms)
  await vi.advanceTimersByTimeAsync(ms)
}

function eu({ view }: DispatchSetUp): PoolState {
  return must(view.all.get('eu-central'))
}

describe.each(Object.entries(SILENT))('a pool that sends %s', (_name, silent) => {
  test('is left for the next one at the deadline, not a moment earlier, and has failed', async () => {
    const mesh = aDispatch(
      (pool, signal) => (pool === 'eu-central' ? silent(signal) : new Response(wholeAnswer('Hi'))),
      LIMITS,
    )
    const dispatched = run(mesh)
    await pass(mesh, 999)
    expect(mesh.asked).toEqual(['eu-central'])
    await pass(mesh, 1)
    expect(await dispatched).toMatchObject({ ok: true, value: { attempts: 2 } })
    expect(mesh.asked).toEqual(['eu-central', 'us-east'])
    expect(eu(mesh)).toMatchObject({
      pending: 0,
      measures: { breaker: { failures: [{ kind: 'timeout', key: 'demo/k1' }] } },
    })
    expect(levelMs(eu(mesh).measures.prefill)).toBe(1000)
  })

  test('has not failed if only the time of the whole answer was shorter', async () => {
    const mesh = aDispatch((_pool, signal) => silent(signal), LIMITS)
    for (const key of ['demo/k1', 'demo/k2', 'demo/k1', 'demo/k2']) {
      const dispatched = run(mesh, { key, withinMs: 50 })
      await pass(mesh, 50)
      expect(await dispatched).toEqual({ ok: false, error: { reason: 'pool_timeout' } })
    }
    expect(mesh.asked).toEqual(Array(4).fill('eu-central'))
    expect(eu(mesh).measures.breaker).toEqual(CLOSED)
    expect(pendingOf(mesh)).toBe(0)
  })
})

test('when no pool begins in time the client hears of a timeout, after as many attempts as allowed', async () => {
  const mesh = aDispatch((_pool, signal) => SILENT['no headers'](signal), LIMITS)
  const dispatched = run(mesh)
  await pass(mesh, 1000)
  await pass(mesh, 1000)
  expect(await dispatched).toEqual({ ok: false, error: { reason: 'pool_timeout' } })
  expect(mesh.asked).toEqual(['eu-central', 'us-east'])
  expect(pendingOf(mesh)).toBe(0)
})

test('a refusal whose body never comes is judged by its status, in a second', async () => {
  const mesh = aDispatch(
    (pool, signal) =>
      pool === 'eu-central'
        ? new Response(heldBody(signal).body, { status: 500 })
        : new Response(wholeAnswer('Hi')),
    LIMITS,
  )
  const dispatched = run(mesh)
  await pass(mesh, 1000)
  expect(await dispatched).toMatchObject({ ok: true, value: { attempts: 2 } })
  expect(pendingOf(mesh)).toBe(0)
})

test('after the first token the deadline for it is over', async () => {
  const held = heldBody()
  const mesh = aDispatch(() => sse(held.body), LIMITS)
  held.say(delta('He'))
  const dispatched = await run(mesh)
  const { answer } = must(dispatched.ok ? dispatched.value : undefined)
  const next = answer.next()
  await pass(mesh, 4999)
  held.say(delta('llo'))
  expect((await next).frames).toHaveLength(1)
  answer.cancel()
  expect(vi.getTimerCount()).toBe(0)
})

/** Pools that stand where their ids say: Frankfurt refuses at once, the others answer as soon as they can from there. */
function refusingNearby(status: number): DispatchSetUp {
  const mesh = aDispatch((pool) => {
    if (pool === 'eu-central') return new Response('{}', { status })
    mesh.runtime.advance(ACROSS_THE_SEA_MS)
    return new Response(wholeAnswer('Hi'))
  })
  return mesh
}

test('enough failures of two keys open the breaker, and the next request goes elsewhere at once', async () => {
  const mesh = refusingNearby(500)
  for (const key of ['demo/k1', 'demo/k2', 'demo/k1']) await run(mesh, { key })
  expect(eu(mesh).measures.breaker.kind).toBe('open')
  expect(await run(mesh)).toMatchObject({ ok: true, value: { attempts: 1 } })
  expect(pendingOf(mesh)).toBe(0)
})

test('a pool that is full for one key is still there for another', async () => {
  const mesh = refusingNearby(429)
  await run(mesh, { key: 'demo/k1' })
  await run(mesh, { key: 'demo/k1' })
  await run(mesh, { key: 'demo/k2' })
  expect(mesh.asked).toEqual(['eu-central', 'us-east', 'us-east', 'eu-central', 'us-east'])
})
