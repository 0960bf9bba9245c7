/**
 * Pools that do what no real one should: one HTTP server on which every path is a pool with a script of its own. They say
 * nothing of their load.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers one generation, or breaks it. */
export type Script = (response: ServerResponse, request: IncomingMessage) => void | Promise<void>

export interface ScriptedPools {
  /** Base URL of the pool with this script; add `/v1`. */
  url(script: string): string
  /** Generations that the script was asked for. */
  asked(script: string): number
  stop(): Promise<void>
}

/** The script is the first segment of the path, so that one server is as many pools as there are scripts. */
export async function startScriptedPools(scripts: Readonly<Record<string, Script>>): Promise<ScriptedPools> {
  const asked = new Map<string, number>()
  const server = createServer((request, response) => {
    // A client that leaves a broken answer is what these tests are about.
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    if (request.method === 'GET') {
      response.writeHead(404).end()
      return
    }
    const name = (request.url ?? '').split('/', 2)[1] ?? ''
    request.resume()
    request.once('end', () => {
      asked.set(name, (asked.get(name) ?? 0) + 1)
      void scripts[name]?.(response, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: (script) => `http://127.0.0.1:${port}/${script}`,
    asked: (script) => asked.get(script) ?? 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const CHUNK = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'story-8b' }

/** One SSE event of a chat answer. */
export function chunk(delta: object, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finishReason }]
  return `data: ${JSON.stringify({ ...CHUNK, choices })}\n\n`
}

/** Begins an event stream. */
export function beginStream(response: ServerResponse, text = ''): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  if (text !== '') response.write(text)
}

/** Writes the same text as fast as it is taken, until the reader closes the connection. */
export function writeForever(response: ServerResponse, text: string): void {
  const write = (): void => {
    while (!response.destroyed && response.write(text));
    if (!response.destroyed) response.once('drain', write)
  }
  write()
}
