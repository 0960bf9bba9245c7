/** A body is read within its bounds, and whatever happens the isolate's budget gets back what was taken from it. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createBodyBudget } from '../../../../workers/stores/body-budget.ts'
import { readBodyBytes } from '../../../../workers/stream/body-bytes.ts'

const LIMITS = { max_body_bytes: 100, body_within_ms: 1000 }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A budget that knows what is held. */
function aBudget(totalBytes: number) {
  const budget = createBodyBudget(totalBytes)
  let heldBytes = 0
  return {
    take(bytes: number) {
      const isTaken = budget.take(bytes)
      if (isTaken) heldBytes += bytes
      return isTaken
    },
    give(bytes: number) {
      heldBytes -= bytes
      budget.give(bytes)
    },
    held: () => heldBytes,
  }
}

type End = 'close' | 'break' | 'hang'

function aRequest(chunks: readonly number[], end: End, headers: Record<string, string> = {}) {
  const seen = { pulls: 0, cancels: 0 }
  const left = [...chunks]
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        seen.pulls += 1
        const size = left.shift()
        if (size !== undefined) return controller.enqueue(new Uint8Array(size).fill(97))
        if (end === 'hang') return new Promise(() => undefined)
        if (end === 'close') return controller.close()
        return controller.error(new TypeError('connection lost'))
      },
      cancel() {
        seen.cancels += 1
      },
    },
    { highWaterMark: 0 },
  )
  const init = { method: 'POST', headers, body, duplex: 'half' }
  // Node wants `duplex`, which Cloudflare's types do not know.
  return { request: new Request('http://edge.test/', init as RequestInit), seen }
}

test('chunks come out as one body, of exactly the bytes that are held', async () => {
  const budget = aBudget(1000)
  const read = await readBodyBytes(aRequest([1, 60, 39], 'close').request, LIMITS, budget)
  expect(read.ok && read.value.byteLength).toBe(100)
  expect(read.ok && new TextDecoder().decode(read.value)).toBe('a'.repeat(100))
  expect(budget.held()).toBe(100)
})

describe('is refused', () => {
  test('when its length says so, without reading any of it', async () => {
    const { request, seen } = aRequest([101], 'close', { 'content-length': '101' })
    const read = await readBodyBytes(request, LIMITS, aBudget(1000))
    expect(read).toEqual({ ok: false, error: { reason: 'body_too_large', maxBytes: 100 } })
    expect(seen.pulls).toBe(0)
  })

  test.each([{}, { 'content-length': '5' }, { 'content-length': 'many' }, { 'content-length': '-1' }])(
    'when it is longer than allowed, whatever its length said (%o)',
    async (headers) => {
      const budget = aBudget(1000)
      const { request, seen } = aRequest([60, 60, 60], 'close', headers)
      expect(await readBodyBytes(request, LIMITS, budget)).toEqual({
        ok: false,
        error: { reason: 'body_too_large', maxBytes: 100 },
      })
      expect(seen).toEqual({ pulls: 2, cancels: 1 })
      expect(budget.held()).toBe(0)
    },
  )

  test('when it ends before its length, or breaks', async () => {
    for (const [end, headers] of [
      ['close', { 'content-length': '50' }],
      ['break', {}],
    ] as const) {
      const budget = aBudget(1000)
      const read = await readBodyBytes(aRequest([20], end, headers).request, LIMITS, budget)
      expect(read).toEqual({ ok: false, error: { reason: 'body_incomplete' } })
      expect(budget.held()).toBe(0)
    }
  })

  test('when the isolate holds too much already', async () => {
    const budget = aBudget(1000)
    budget.take(950)
    const { request, seen } = aRequest([40, 40], 'close')
    expect(await readBodyBytes(request, LIMITS, budget)).toEqual({
      ok: false,
      error: { reason: 'edge_busy' },
    })
    expect(budget.held()).toBe(950)
    expect(seen.cancels).toBe(1)
  })

  test('when it drips for longer than it may, not a moment earlier', async () => {
    const budget = aBudget(1000)
    const { request } = aRequest([10], 'hang')
    const read = readBodyBytes(request, LIMITS, budget)
    let isOver = false
    void read.then(() => (isOver = true))
    await vi.advanceTimersByTimeAsync(999)
    expect(isOver).toBe(false)
    expect(budget.held()).toBe(10)
    await vi.advanceTimersByTimeAsync(1)
    expect(await read).toEqual({ ok: false, error: { reason: 'body_too_slow' } })
    expect(budget.held()).toBe(0)
  })
})

test('a request without a body is an empty one', async () => {
  const budget = aBudget(1000)
  const read = await readBodyBytes(new Request('http://edge.test/', { method: 'POST' }), LIMITS, budget)
  expect(read.ok && read.value.byteLength).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

test('whatever a client sends, the budget holds the body that was accepted, and else nothing', async () => {
  const end = fc.constantFrom<End>('close', 'break', 'hang')
  const length = fc.option(fc.nat(120), { nil: undefined })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 5 }),
      end,
      length,
      async (sizes, how, declared) => {
        const budget = aBudget(120)
        const headers: Record<string, string> =
          declared === undefined ? {} : { 'content-length': String(declared) }
        const reading = readBodyBytes(aRequest(sizes, how, headers).request, LIMITS, budget)
        await vi.advanceTimersByTimeAsync(1000)
        const read = await reading
        expect(budget.held()).toBe(read.ok ? read.value.byteLength : 0)
        expect(vi.getTimerCount()).toBe(0)
      },
    ),
    { numRuns: 200 },
  )
})
