/** Stands in for every pool: a test says what answers to a prompt, and sees what was asked and whether it was left. */
import { vi } from 'vitest'
import { engineEvents, engineText, type EngineEvent, type EngineRequest } from '../../support/token-engine.ts'

export interface PoolCall {
  readonly url: string
  readonly signal: AbortSignal
  readonly body: EngineRequest
}

export type Answer = (call: PoolCall) => Response | Promise<Response>

const answers = new Map<string, Answer>()

/** Replaces the network: a prompt nobody scripted is a pool that cannot be reached. */
export function standInForPools(): void {
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const body = bodyOf(init?.body)
    const answer = answers.get(body.messages?.[0]?.content ?? '')
    if (answer === undefined || !(init?.signal instanceof AbortSignal)) throw new TypeError('unreachable')
    return answer({ url: input instanceof Request ? input.url : input.toString(), signal: init.signal, body })
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

/** Answers as the token engine does, from wherever it is told to begin. */
export function engine(): Answer {
  return ({ body }) => eventStream(engineText(engineEvents(body)))
}

export function eventStream(body: BodyInit): Response {
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

/** An answer that is all there at once. */
export function atOnce(text: string): Answer {
  return () => eventStream(text)
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
      return eventStream(body)
    },
    say: (text) => controller?.enqueue(encoder.encode(text)),
    close: () => controller?.close(),
    break: () => controller?.error(new Error('broken')),
  }
}

export interface HeldEngine extends Omit<HeldAnswer, 'say'> {
  /** Writes the tokens up to this number of those that this call makes; `Infinity`: all, and the end. */
  upTo(tokens: number): void
}

/** The token engine, which writes as much as a test says. To be called in the context of the object, as above. */
export function heldEngine(): HeldEngine {
  const pool = held()
  let events: readonly EngineEvent[] = []
  let written = 0
  return {
    close: () => pool.close(),
    break: () => pool.break(),
    answer: (call) => {
      events = engineEvents(call.body)
      return pool.answer(call)
    },
    upTo(tokens) {
      const made = events.filter((event) => event.tokens <= tokens)
      // The finish and what follows it have the count of the last token.
      const end = tokens === Infinity ? made.length : made.findLastIndex(({ isToken }) => isToken) + 1
      pool.say(
        events
          .slice(written, end)
          .map(({ text }) => text)
          .join(''),
      )
      written = end
    },
  }
}

/** The host of a call, without what all have in common. */
export function poolOf({ url }: PoolCall): string {
  return new URL(url).host.replace('.pool.test', '')
}

function bodyOf(body: unknown): EngineRequest {
  // As the adapters serialise it.
  return typeof body === 'string' ? (JSON.parse(body) as EngineRequest) : {}
}
