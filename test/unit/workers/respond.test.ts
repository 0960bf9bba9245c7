/** A stream waits for its answer for so long and no longer; afterwards it has a status, whatever the answer will be. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Answered, Fingerprinted } from '../../../workers/contexts.ts'
import type { Edge } from '../../../workers/edge.ts'
import type { Patience } from '../../../workers/patience.ts'
import { respondWithJson, respondWithStream, type Failure } from '../../../workers/respond.ts'
import { aRuntime } from './a-runtime.ts'
import { aSource } from './an-answered.ts'

const COMMIT_AFTER_MS = 5000
const COMMENT = ': keep-alive\n\n'
const FACTS = {
  outcome: 'bypass',
  pool: 'eu-1',
  region: 'eu-central',
  jurisdiction: 'eu',
  attempts: 1,
  route: 'measured 5ms',
  modelVersion: '1',
  createdAtMs: 0,
  firstTokenMs: 42,
} as const
const MEMBERS = '{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A request whose answer comes, or does not, when the test says. */
function aRequest() {
  const logged: Record<string, unknown>[] = []
  const work: Promise<unknown>[] = []
  const runtime = aRuntime({ log: (line) => logged.push(line) })
  // Of an edge, a context and a client's patience, responding needs what is here.
  const edge = {
    runtime,
    // No log of a tenant's: of one that is strict, see the strict audit's own tests.
    trail: { note: () => undefined },
    waitUntil: (promise: Promise<unknown>) => work.push(promise),
    mesh: { config: { limits: { commit_after_ms: COMMIT_AFTER_MS, keep_alive_ms: 15_000 } } },
  } as unknown as Edge
  const context = {
    request: { signal: new AbortController().signal },
    requestId: 'req_1',
    run: 'nonce',
    receivedAtMs: runtime.now(),
    surface: 'chat',
    arrival: { host: 'edge.test' },
    generation: { model: 'story', includeUsage: false, stream: true },
    placement: { restricted: true, rules: [], pools: [{ region: { jurisdiction: 'eu' } }] },
    sharing: { kind: 'private', detail: 'sampled' },
  } as unknown as Fingerprinted
  const source = aSource([{ members: [MEMBERS] }, { members: [], outcome: 'completed' }])
  const answered = { ...context, answer: { facts: FACTS, source } } as Answered
  let settle: (result: Result<Answered, Failure>) => void = () => undefined
  let breakOff: (error: Error) => void = () => undefined
  const answering = new Promise<Result<Answered, Failure>>((resolve, reject) => {
    settle = resolve
    breakOff = reject
  })
  const leave = vi.fn<() => void>()
  return {
    logged,
    work,
    source,
    leave,
    stream: () => respondWithStream(context, answering, { leave } as unknown as Patience, edge),
    json: () => respondWithJson(answering, edge),
    begin: () => settle(ok(answered)),
    fail: () => settle(err({ error: { reason: 'pool_timeout' }, context })),
    breakOff: () => breakOff(new RangeError('a secret')),
  }
}

/** Undefined while it has not come. */
function seen(response: Promise<Response>): () => Response | undefined {
  let come: Response | undefined
  void response.then((given) => {
    come = given
  })
  return () => come
}

async function early() {
  const request = aRequest()
  const response = seen(request.stream())
  await vi.advanceTimersByTimeAsync(COMMIT_AFTER_MS)
  const come = response()
  if (come === undefined) throw new Error('the stream has not begun')
  return { ...request, response: come }
}

describe('a stream whose answer comes in time', () => {
  test('begins with it, and has all of its headers', async () => {
    const { stream, begin, logged } = aRequest()
    const response = seen(stream())
    await vi.advanceTimersByTimeAsync(COMMIT_AFTER_MS - 1)
    expect(response()).toBeUndefined()
    begin()
    await vi.advanceTimersByTimeAsync(0)
    expect(response()?.headers.get('x-mesh-pool')).toBe('eu-1')
    const text = await response()?.text()
    expect(text).toMatch(/^data: .*"content":"Hi".*\n\ndata: \[DONE\]\n\n$/)
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatchObject({ status: 200, outcome: 'completed', pool: 'eu-1' })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('or is refused in time, has a status', async () => {
    const { stream, fail, logged } = aRequest()
    fail()
    const response = await stream()
    expect(response.status).toBe(504)
    expect(await response.json()).toMatchObject({ error: { code: 'pool_timeout' } })
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatchObject({ status: 504, error: 'pool_timeout' })
  })
})

describe('a stream whose answer does not come in time', () => {
  test('begins without it, with what is known and a comment', async () => {
    const { response, logged } = await early()
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-mesh-residency': 'eu; restricted',
    })
    const { value } = (await response.body?.getReader().read()) ?? {}
    expect(new TextDecoder().decode(value)).toBe(COMMENT)
    expect(logged).toEqual([])
  })

  test('goes on with it when it comes', async () => {
    const { response, begin, logged } = await early()
    begin()
    expect(await response.text()).toMatch(/^: keep-alive\n\ndata: .*"content":"Hi".*\n\ndata: \[DONE\]\n\n$/)
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatchObject({ status: 200, outcome: 'completed', pool: 'eu-1', attempts: 1 })
  })

  test('ends with an error where there will be none', async () => {
    const { response, fail, logged } = await early()
    fail()
    expect(await response.text()).toMatch(
      /^: keep-alive\n\ndata: .*"code":"pool_timeout".*\n\ndata: \[DONE\]\n\n$/,
    )
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatchObject({ status: 200, error: 'pool_timeout', outcome: 'pool_timeout' })
  })

  test('ends with an error where something broke', async () => {
    const { response, breakOff, logged } = await early()
    breakOff()
    const text = await response.text()
    expect(text).toMatch(/^: keep-alive\n\ndata: .*"code":"internal_error".*\n\ndata: \[DONE\]\n\n$/)
    expect(logged).toEqual([
      { event: 'internal_error', request_id: 'req_1', class: 'RangeError' },
      expect.objectContaining({ event: 'request', status: 200, error: 'internal_error' }),
    ])
    expect(text + JSON.stringify(logged)).not.toContain('secret')
  })

  test('ends when its client leaves, and keeps the isolate until what it began has ended', async () => {
    const { response, begin, leave, logged, source, work } = await early()
    await response.body?.cancel()
    expect(leave).toHaveBeenCalledTimes(1)
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatchObject({ status: 200, outcome: 'client_cancelled' })
    expect(work).toHaveLength(1)
    begin()
    await Promise.all(work)
    expect(source.cancels).toBe(1)
    expect(logged).toHaveLength(1)
  })
})

test('an answer that is not a stream has a status, however long it takes', async () => {
  const { json, fail, logged } = aRequest()
  const response = seen(json())
  await vi.advanceTimersByTimeAsync(COMMIT_AFTER_MS * 100)
  expect(response()).toBeUndefined()
  fail()
  await vi.advanceTimersByTimeAsync(0)
  expect(response()?.status).toBe(504)
  expect(logged).toHaveLength(1)
})
