/** One HTTP request being answered: its body, its signal, and ways to answer or break it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorBody, type EngineError } from './errors.ts'

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Aborts when the connection closes before the answer is complete. */
  readonly signal: AbortSignal
  /** Closes the connection without ending the answer, as a process that was killed does. */
  breakOff(): void
}

/** Room for a prompt of a million tokens. */
const MAX_BODY_BYTES = 64 * 1024 * 1024

/** `onClientLeft` is called when the client, not the engine, closed before the answer was handed over. */
export function openExchange(
  request: IncomingMessage,
  response: ServerResponse,
  onClientLeft: () => void,
): Exchange {
  const controller = new AbortController()
  let isBrokenOff = false
  response.on('close', () => {
    if (response.writableEnded) return
    if (!isBrokenOff) onClientLeft()
    controller.abort()
  })
  return {
    request,
    response,
    signal: controller.signal,
    breakOff() {
      isBrokenOff = true
      // Soon: after what was written, which the client was promised by the number of tokens.
      request.socket.destroySoon()
    },
  }
}

/** The parsed body; an error for what is not JSON; undefined when the client left before its end. */
export async function readJson(
  exchange: Exchange,
): Promise<{ readonly body: unknown } | { readonly error: EngineError } | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of exchange.request) {
      // A request stream without an encoding gives Buffers.
      const buffer = part as Buffer
      bytes += buffer.length
      // Read on: leaving the loop would destroy the socket that the error has to go through.
      if (bytes <= MAX_BODY_BYTES) parts.push(buffer)
    }
  } catch {
    // The stream fails only when the connection does; there is no one to tell.
    return undefined
  }
  if (bytes > MAX_BODY_BYTES) return { error: { status: 413, message: 'The body is too large.' } }
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'))
    return { body }
  } catch {
    return { error: { status: 400, message: 'There was an error parsing the body: it is not valid JSON.' } }
  }
}

export function sendJson(exchange: Exchange, status: number, body: unknown): void {
  const { response } = exchange
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

export function sendError(exchange: Exchange, error: EngineError): void {
  sendJson(exchange, error.status, errorBody(error))
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
