/** Stands in for every pool: a test says what answers to a prompt, and sees what was asked and whether it was left. */
import { vi } from 'vitest'

export interface PoolCall {
  readonly url: string
  readonly signal: AbortSignal
}

export type Answer = (call: PoolCall) => Response | Promise<Response>

const answers = new Map<string, Answer>()

/** Replaces the network: a prompt nobody scripted is a pool that cannot be reached. */
export function standInForPools(): void {
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const content = promptOf(init?.body)
    const answer = answers.get(content)
    if (answer === undefined || !(init?.signal instanceof AbortSignal)) throw new TypeError('unreachable')
    return answer({ url: input instanceof Request ? input.url : input.toString(), signal: init.signal })
  })
}

/** Sets how pools answer to this prompt; the returned list fills with the calls that came. */
export function answerTo(prompt: string, answer: Answer): PoolCall[] {
  const calls: PoolCall[] = []
  answers.set(prompt, (call) => {
    calls.push(call)
    return answer(call)
  })
  return calls
}

/** An answer that is all there at once. */
export function atOnce(text: string): Answer {
  return () => new Response(text, { headers: { 'content-type': 'text/event-stream' } })
}

export interface HeldAnswer {
  readonly answer: Answer
  say(text: string): void
  /** Closes the stream, as a pool that is done does. */
  close(): void
  /** Breaks the connection. */
  break(): void
}

/** An answer that a test says piece by piece. `say` and the rest are to be called in the context of the object. */
export function held(): HeldAnswer {
  const encoder = new TextEncoder()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>({
    start(started) {
      controller = started
    },
  })
  return {
    answer: ({ signal }) => {
      signal.addEventListener('abort', () => controller?.error(new Error('left')), { once: true })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    },
    say: (text) => controller?.enqueue(encoder.encode(text)),
    close: () => controller?.close(),
    break: () => controller?.error(new Error('broken')),
  }
}

function promptOf(body: unknown): string {
  const parsed: unknown = typeof body === 'string' ? JSON.parse(body) : undefined
  const { messages } = parsed as { messages: [{ content: string }] }
  return messages[0].content
}
