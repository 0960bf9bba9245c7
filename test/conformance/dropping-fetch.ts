/** A `fetch` that loses its connections: every event stream breaks within the event behind its k-th. */
import type { Fetch } from '../../tools/resumable/resumable.ts'

export interface DroppingFetch {
  readonly fetch: Fetch
  /** The methods of all requests, in order. */
  readonly methods: readonly string[]
}

export const DROPPED = new TypeError('The connection was dropped by the test.')

/** How much of the event that is cut still comes. */
const HALF_EVENT_BYTES = 8

export function droppingFetch(k: number, send: Fetch = fetch): DroppingFetch {
  const methods: string[] = []
  return {
    methods,
    async fetch(input, init) {
      methods.push(init?.method ?? 'GET')
      const response = await send(input, init)
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
      if (!isStream || response.body === null) return response
      return new Response(brokenBehind(k, response.body), response)
    },
  }
}

/** Leaving the real connection is what the mesh sees of it. */
function brokenBehind(k: number, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  // One character per byte, so that offsets are those of the bytes.
  let received = ''
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        const before = received.length
        received += Buffer.from(value).toString('latin1')
        const next = [...received.matchAll(/^data:/gm)][k]?.index
        const end = next === undefined ? received.length : next + HALF_EVENT_BYTES
        controller.enqueue(value.subarray(0, end - before))
        if (next === undefined || received.length < end) return
        controller.error(DROPPED)
        await reader.cancel()
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
