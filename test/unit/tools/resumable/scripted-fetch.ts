/** A `fetch` that answers from a script, and the bodies it answers with. */
import { vi } from 'vitest'
import type { Fetch } from '../../../../tools/resumable/resumable.ts'

/** How a body goes on after its chunks. */
export type Ending = 'closes' | 'hangs' | Error

export interface Call {
  readonly url: string
  readonly init: RequestInit
}

export const MESH = 'https://mesh.test/v1'
export const RUN_URL = `${MESH}/generations/run_1`
export const LOST = new TypeError('network connection lost')

/** A request that is resumed. */
export const STREAMED = {
  method: 'POST',
  headers: { authorization: 'Bearer key' },
  body: '{"model":"story","stream":true}',
} as const

/** Answers the n-th request that is not a DELETE with the n-th of the answers; those that are errors are thrown. */
export function scriptedFetch(...answers: readonly (Response | Error | Promise<Response>)[]) {
  const calls: Call[] = []
  const left: Call[] = []
  const send = vi.fn<Fetch>(async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input)
    if (init.method === 'DELETE') {
      left.push({ url, init })
      return new Response(null, { status: 204 })
    }
    calls.push({ url, init })
    const answer = answers[calls.length - 1]
    if (answer === undefined) throw new Error('the script has no more answers')
    if (answer instanceof Error) throw answer
    return answer
  })
  return { fetch: send, calls, left }
}

export function aStream(chunks: readonly string[], ending: Ending = 'closes'): Response {
  return new Response(bodyOf(chunks, ending), {
    headers: { 'content-type': 'text/event-stream', 'x-mesh-run': 'run_1', 'x-request-id': 'req_1' },
  })
}

export function bodyOf(chunks: readonly string[], ending: Ending): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const rest = [...chunks]
  return new ReadableStream(
    {
      pull(controller) {
        const chunk = rest.shift()
        if (chunk !== undefined) return controller.enqueue(encoder.encode(chunk))
        if (ending === 'hangs') return new Promise(() => undefined)
        return ending === 'closes' ? controller.close() : controller.error(ending)
      },
    },
    { highWaterMark: 0 },
  )
}
