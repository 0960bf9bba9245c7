/** Pools that die: what one wrote before, and how it ended. */

export const DEATHS = {
  'its connection breaks': 'break',
  'it closes without an end': 'close',
  'it sends an error event': 'err',
  'it says nothing more': 'stall',
} as const

export type Death = (typeof DEATHS)[keyof typeof DEATHS]

/** How each is called at the end of an answer that nobody could go on with. */
export const OUTCOME_OF: Readonly<Record<Death, 'truncated' | 'upstream_error' | 'stalled'>> = {
  break: 'truncated',
  close: 'truncated',
  err: 'upstream_error',
  stall: 'stalled',
}

const ERROR_EVENT = 'data: {"error":{"message":"CUDA out of memory"}}\n\ndata: [DONE]\n\n'

/** An answer of this text, which then ends so; its reader's leaving breaks it, as it does a connection. */
export function dyingAnswer(text: string, death: Death, signal: AbortSignal): Response {
  const encoder = new TextEncoder()
  const chunks = [text, death === 'err' ? ERROR_EVENT : ''].filter((chunk) => chunk !== '')
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        signal.addEventListener('abort', () => controller.error(signal.reason), { once: true })
      },
      pull(controller) {
        const chunk = chunks.shift()
        if (chunk !== undefined) return controller.enqueue(encoder.encode(chunk))
        if (death === 'break') return controller.error(new TypeError('connection lost'))
        if (death === 'stall') return new Promise(() => undefined)
        return controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return eventStream(body)
}

export function eventStream(body: BodyInit): Response {
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
