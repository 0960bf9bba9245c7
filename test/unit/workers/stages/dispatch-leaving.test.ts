/** A client that leaves, or whose deadline passes, says nothing about the pool, and leaves nothing in flight. */
import { expect, test } from 'vitest'
import type { PoolState } from '../../../../shared/pool/snapshot.ts'
import { delta } from '../../../support/pool-events.ts'
import { aDispatch, must, pendingOf, run, type DispatchSetUp } from '../a-dispatch.ts'
import { heldBody, sse } from '../held-body.ts'

const LEAVES = [
  ['leaves', (client: AbortController) => client.abort(), 'client_cancelled'],
  [
    'has set a deadline that passes',
    (client: AbortController) => client.abort(new DOMException('late', 'TimeoutError')),
    'timed_out',
  ],
] as const

const WELL = { pending: 0, waiting: 0, measures: { breaker: { kind: 'closed', failures: [] } } }

/** A pool that begins and then says nothing more. */
function beginning(): DispatchSetUp {
  return aDispatch((_pool, signal) => {
    const held = heldBody(signal)
    held.say(delta('He'))
    return sse(held.body)
  })
}

function eu({ view }: DispatchSetUp): PoolState {
  return must(view.all.get('eu-central'))
}

test.each(LEAVES)(
  'a client that %s during the answer is not held against the pool',
  async (_name, leave, outcome) => {
    const mesh = beginning()
    // Three of two keys would open the breaker, had the pool failed.
    for (const key of ['demo/k1', 'demo/k2', 'demo/k1', 'demo/k2']) {
      const client = new AbortController()
      const dispatched = must(await value(run(mesh, { signal: client.signal, key })))
      const next = dispatched.answer.next()
      leave(client)
      expect((await next).outcome).toBe(outcome)
    }
    expect(eu(mesh)).toMatchObject(WELL)
    expect(mesh.asked).toEqual(Array(4).fill('eu-central'))
  },
)

test.each(LEAVES)(
  'nothing is in flight after a client that %s, though nobody reads on',
  async (_name, leave) => {
    const mesh = beginning()
    const client = new AbortController()
    await run(mesh, { signal: client.signal })
    expect(pendingOf(mesh)).toBe(1)
    leave(client)
    expect(pendingOf(mesh)).toBe(0)
  },
)

test('a client that leaves while a pool is silent ends the dispatch, and no other pool is asked', async () => {
  const client = new AbortController()
  const mesh = aDispatch(
    (_pool, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new TypeError('aborted')))
      }),
  )
  const dispatched = run(mesh, { signal: client.signal })
  client.abort()
  expect(await dispatched).toEqual({ ok: false, error: { reason: 'client_cancelled' } })
  expect(mesh.asked).toEqual(['eu-central'])
  expect(eu(mesh)).toMatchObject(WELL)
})

test('a client that leaves between the first token and the first read closes the connection', async () => {
  const client = new AbortController()
  let held = heldBody()
  const mesh = aDispatch((_pool, signal) => {
    held = heldBody(signal)
    held.say(delta('He'))
    signal.addEventListener('abort', () => aborted.push(true))
    return sse(held.body)
  })
  const aborted: boolean[] = []
  await run(mesh, { signal: client.signal })
  client.abort()
  expect(aborted).toEqual([true])
})

test('a pool that breaks in the middle is held against it, however the client behaves afterwards', async () => {
  let held = heldBody()
  const mesh = aDispatch(() => {
    held = heldBody()
    held.say(delta('He'))
    return sse(held.body)
  })
  const client = new AbortController()
  const dispatched = must(await value(run(mesh, { signal: client.signal })))
  const next = dispatched.answer.next()
  held.break()
  expect((await next).outcome).toBe('truncated')
  client.abort()
  expect(eu(mesh).measures.breaker).toMatchObject({
    kind: 'closed',
    failures: [{ kind: 'server_error', key: 'demo/k1', sawFirstToken: true }],
  })
  expect(pendingOf(mesh)).toBe(0)
})

async function value(dispatched: ReturnType<typeof run>) {
  const result = await dispatched
  return result.ok ? result.value : undefined
}
