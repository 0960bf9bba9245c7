/** The one way out: to allowed hosts only, never along a redirect, never without a deadline, and with nothing in its errors. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Region } from '../../../../shared/schema/mesh.ts'
import { callOut, readBeginning, type OutgoingCall } from '../../../../workers/outgoing/call.ts'
import { aRuntime } from '../a-runtime.ts'

const FROM: Region = { id: 'eu-central', jurisdiction: 'eu', latitude: 50, longitude: 8, colos: [] }

function aCall(changes: Partial<OutgoingCall> = {}): OutgoingCall {
  return {
    url: 'https://pool.test/v1/chat/completions',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    allowedHosts: new Set(['pool.test']),
    headersWithinMs: 1_000,
    abort: new AbortController(),
    from: FROM,
    ...changes,
  }
}

/** Answers when it is told to give up, as fetch does. */
function neverAnswers(_url: string, init: RequestInit): Promise<Response> {
  return new Promise((_resolve, reject) => {
    init.signal?.addEventListener('abort', () =>
      reject(new DOMException('https://pool.test/secret', 'AbortError')),
    )
  })
}

test('sends what it was given, and asks for redirects to be shown and not followed', async () => {
  const sent: [string, RequestInit, string][] = []
  const runtime = aRuntime({
    send: (url, init, from) => {
      sent.push([url, init, from.id])
      return Promise.resolve(new Response('ok'))
    },
  })
  const answer = await callOut(aCall(), runtime)
  expect(answer.ok && (await answer.value.text())).toBe('ok')
  expect(sent[0]?.[0]).toBe('https://pool.test/v1/chat/completions')
  expect(sent[0]?.[1]).toMatchObject({
    method: 'POST',
    body: '{}',
    redirect: 'manual',
    headers: { 'content-type': 'application/json' },
  })
  expect(sent[0]?.[2]).toBe('eu-central')
})

test.each([
  ['https://elsewhere.test/v1/chat/completions'],
  ['https://pool.test:8443/v1'],
  ['https://pool.test.evil.test/v1'],
])('does not go to %s', async (url) => {
  const send = vi.fn<() => Promise<Response>>()
  expect(await callOut(aCall({ url }), aRuntime({ send }))).toEqual({ ok: false, error: 'host_not_allowed' })
  expect(send).not.toHaveBeenCalled()
})

test.each([301, 302, 303, 307, 308])('a %i is the pool’s fault, wherever it leads', async (status) => {
  const send = (): Promise<Response> =>
    Promise.resolve(new Response(null, { status, headers: { location: 'https://pool.test/again' } }))
  expect(await callOut(aCall(), aRuntime({ send }))).toEqual({ ok: false, error: 'redirect' })
})

test('goes through a binding where there is one, and not over the network', async () => {
  const send = vi.fn<() => Promise<Response>>()
  const asked: string[] = []
  const through = {
    fetch: (url: string) => {
      asked.push(url)
      return Promise.resolve(new Response('private'))
    },
  } as unknown as Fetcher
  const answer = await callOut(aCall({ through }), aRuntime({ send }))
  expect(answer.ok && (await answer.value.text())).toBe('private')
  expect(asked).toEqual(['https://pool.test/v1/chat/completions'])
  expect(send).not.toHaveBeenCalled()
})

describe('what went wrong is one word', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('unreachable', async () => {
    const send = (): Promise<Response> => Promise.reject(new TypeError('connect https://pool.test refused'))
    expect(await callOut(aCall(), aRuntime({ send }))).toEqual({ ok: false, error: 'unreachable' })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('timeout, at the deadline for headers and not before', async () => {
    let outcome: unknown
    void callOut(aCall(), aRuntime({ send: neverAnswers })).then((result) => {
      outcome = result
    })
    await vi.advanceTimersByTimeAsync(999)
    expect(outcome).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(outcome).toEqual({ ok: false, error: 'timeout' })
  })

  test('cancelled, before it began and while it waits', async () => {
    const send = vi.fn(neverAnswers)
    const gone = new AbortController()
    gone.abort()
    expect(await callOut(aCall({ abort: gone }), aRuntime({ send }))).toEqual({
      ok: false,
      error: 'cancelled',
    })
    expect(send).not.toHaveBeenCalled()
    const abort = new AbortController()
    const waiting = callOut(aCall({ abort }), aRuntime({ send }))
    abort.abort()
    expect(await waiting).toEqual({ ok: false, error: 'cancelled' })
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the beginning of an error body', () => {
  test('is read to its bound', async () => {
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('x'.repeat(100))),
    })
    const text = await readBeginning(new Response(body), 1_000, 60_000)
    expect(text.length).toBeGreaterThanOrEqual(1_000)
    expect(text.length).toBeLessThanOrEqual(1_100)
  })

  test('is what has come when its time is over', async () => {
    vi.useFakeTimers()
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('so far')),
    })
    const reading = readBeginning(new Response(body), 1_000, 1_000)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await reading).toBe('so far')
    vi.useRealTimers()
  })
})
