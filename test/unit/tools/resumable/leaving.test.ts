import { getEventListeners } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import { resumable } from '../../../../tools/resumable/resumable.ts'
import { aStream, LOST, MESH, RUN_URL, scriptedFetch, STREAMED } from './scripted-fetch.ts'

const NEVER = new Promise<Response>(() => undefined)
const A_MINUTE = { backoffMs: [60_000], jitter: false }

/** Asks, with a signal, and reads the first event. */
async function begin(script: ReturnType<typeof scriptedFetch>, options: object = {}) {
  const controller = new AbortController()
  const ask = resumable({ fetch: script.fetch, backoffMs: [0], ...options })
  const response = await ask(`${MESH}/completions`, { ...STREAMED, signal: controller.signal })
  const reader = response.body?.getReader()
  if (reader === undefined) throw new Error('an answer without a body')
  expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 1\n\n')
  return { controller, reader }
}

const MOMENTS = [
  ['while the next event is waited for', () => [aStream(['data: 1\n\n'], 'hangs')], {}, 1],
  ['while an attempt is waited for', () => [aStream(['data: 1\n\n'], LOST)], A_MINUTE, 1],
  ['while an attempt is on its way', () => [aStream(['data: 1\n\n'], LOST), NEVER], {}, 2],
  ['on a resumed connection', () => [aStream(['data: 1\n\n'], LOST), aStream([], 'hangs')], {}, 2],
] as const

test.each(MOMENTS)('an abort %s ends the body at once and lets go of the run', async (...moment) => {
  const [, answers, options, calls] = moment
  const script = scriptedFetch(...answers())
  const { controller, reader } = await begin(script, options)
  const next = reader.read().catch((error: unknown) => error)
  await vi.waitFor(() => expect(script.calls).toHaveLength(calls))
  controller.abort()
  expect(await next).toBe(controller.signal.reason)
  expect(script.left).toEqual([
    {
      url: RUN_URL,
      init: expect.objectContaining({ keepalive: true, headers: expect.objectContaining(STREAMED.headers) }),
    },
  ])
  expect(script.calls).toHaveLength(calls)
})

test.each(MOMENTS)('a cancel %s lets go of the run', async (...moment) => {
  const [, answers, options, calls] = moment
  const script = scriptedFetch(...answers())
  const { reader } = await begin(script, options)
  const next = reader.read()
  await vi.waitFor(() => expect(script.calls).toHaveLength(calls))
  await reader.cancel()
  expect(await next).toEqual({ done: true, value: undefined })
  expect(script.left.map(({ url }) => url)).toEqual([RUN_URL])
  expect(script.calls).toHaveLength(calls)
})

test('an abort leaves no timer behind', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const script = scriptedFetch(aStream(['data: 1\n\n'], LOST))
  const { controller, reader } = await begin(script, A_MINUTE)
  const next = reader.read().catch(() => undefined)
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
  controller.abort()
  await next
  expect(vi.getTimerCount()).toBe(0)
})

test('the abort reaches an attempt that is on its way', async () => {
  const script = scriptedFetch(aStream(['data: 1\n\n'], LOST), NEVER)
  const { controller, reader } = await begin(script)
  const next = reader.read().catch((error: unknown) => error)
  await vi.waitFor(() => expect(script.calls).toHaveLength(2))
  expect(script.calls[1]?.init.signal?.aborted).toBe(false)
  controller.abort(new Error('enough'))
  expect(await next).toEqual(new Error('enough'))
  expect(script.calls[1]?.init.signal?.aborted).toBe(true)
})

test('an answer to an attempt that comes after the caller has left is let go of too', async () => {
  let arrive: (response: Response) => void = () => undefined
  const late = new Promise<Response>((resolve) => (arrive = resolve))
  const script = scriptedFetch(aStream(['data: 1\n\n'], LOST), late)
  const { controller, reader } = await begin(script)
  const next = reader.read().catch(() => undefined)
  await vi.waitFor(() => expect(script.calls).toHaveLength(2))
  controller.abort()
  await next
  const cancelled = vi.fn()
  const headers = { 'content-type': 'text/event-stream' }
  arrive(new Response(new ReadableStream({ cancel: cancelled }), { headers }))
  await vi.waitFor(() => expect(cancelled).toHaveBeenCalledOnce())
})

test('an abort when nobody reads lets go of the run too', async () => {
  const script = scriptedFetch(aStream(['data: 1\n\n'], 'hangs'))
  const { controller } = await begin(script)
  controller.abort()
  expect(script.left).toHaveLength(1)
})

test('a signal that was aborted before the answer came lets go of the run', async () => {
  const script = scriptedFetch(aStream(['data: 1\n\n'], 'hangs'))
  const signal = AbortSignal.abort(new Error('enough'))
  const response = await resumable({ fetch: script.fetch })(`${MESH}/completions`, { ...STREAMED, signal })
  await expect(response.text()).rejects.toThrow('enough')
  expect(script.left).toHaveLength(1)
})

test('an abort and a cancel let go once', async () => {
  const script = scriptedFetch(aStream(['data: 1\n\n'], 'hangs'))
  const { controller, reader } = await begin(script)
  controller.abort()
  await reader.cancel().catch(() => undefined)
  expect(script.left).toHaveLength(1)
})

test('nothing is let go of after [DONE], nor when the body has been read', async () => {
  const script = scriptedFetch(aStream(['data: 1\n\n', 'data: [DONE]\n\n'], 'hangs'))
  const { controller, reader } = await begin(script)
  await reader.read()
  await reader.cancel()
  controller.abort()

  const whole = scriptedFetch(aStream(['data: 1\n\n', 'data: [DONE]\n\n']))
  const read = await begin(whole)
  while (!(await read.reader.read()).done);
  read.controller.abort()
  expect([...script.left, ...whole.left]).toEqual([])
})

test('a signal that outlives the answer is not kept busy with it', async () => {
  const script = scriptedFetch(aStream(['data: 1\n\n', 'data: [DONE]\n\n']))
  const { controller, reader } = await begin(script)
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
  while (!(await reader.read()).done);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
})

test('a DELETE that fails is nobody’s error', async () => {
  const script = scriptedFetch(aStream(['data: 1\n\n'], 'hangs'))
  const { reader } = await begin(script)
  script.fetch.mockRejectedValueOnce(LOST)
  await expect(reader.cancel()).resolves.toBeUndefined()
})

test('leaving closes the connection', async () => {
  const cancelled = vi.fn()
  const { headers } = aStream([])
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
    cancel: cancelled,
  })
  const { reader } = await begin(scriptedFetch(new Response(body, { headers })))
  await reader.cancel()
  expect(cancelled).toHaveBeenCalledOnce()
})

test('no more is read than the caller reads', async () => {
  const pulled = vi.fn((controller: ReadableStreamDefaultController<Uint8Array>) =>
    controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
  )
  const body = new ReadableStream<Uint8Array>({ pull: pulled }, { highWaterMark: 0 })
  const { headers } = aStream([])
  const { reader } = await begin(scriptedFetch(new Response(body, { headers })))
  expect(pulled).toHaveBeenCalledOnce()
  await reader.read()
  expect(pulled).toHaveBeenCalledTimes(2)
  await reader.cancel()
})
