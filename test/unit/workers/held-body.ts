/** A pool's answer that a test says piece by piece, and whose connection breaks when its reader aborts. */
export interface HeldBody {
  readonly body: ReadableStream<Uint8Array>
  say(text: string): void
  close(): void
  break(): void
  /** How many chunks were asked for. */
  readonly pulls: number
}

export function heldBody(signal?: AbortSignal): HeldBody {
  const encoder = new TextEncoder()
  let pulls = 0
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>(
    {
      start(started) {
        controller = started
      },
      pull() {
        pulls += 1
      },
    },
    { highWaterMark: 0 },
  )
  signal?.addEventListener('abort', () => controller?.error(signal.reason), { once: true })
  return {
    body,
    say: (text) => controller?.enqueue(encoder.encode(text)),
    close: () => controller?.close(),
    break: () => controller?.error(new TypeError('connection lost')),
    get pulls() {
      return pulls
    },
  }
}

export function sse(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
