/** A mesh as far as a dropped stream sees it, over real sockets: one run, played from any event, cut on demand. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What becomes of one connection that should bring the stream; the default is all of it. */
export interface Deal {
  /** How much of the body is sent before the connection ends; without it, all. */
  readonly bytes?: number
  /** What happens then: the connection breaks, the body ends as if it were whole, or nothing more comes. */
  readonly cut?: 'destroyed' | 'ended' | 'held'
  /** Instead of a stream. */
  readonly status?: number
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface RunServer {
  /** Ends in /v1. */
  readonly url: string
  /** All requests so far. */
  readonly asked: readonly Asked[]
  /** Begins anew: what is played, and what becomes of the first, second, … connection. */
  play(blocks: readonly string[], deals?: readonly Deal[]): void
  stop(): Promise<void>
}

export const RUN = 'run_eu-7.Zm9v'

export async function startRunServer(): Promise<RunServer> {
  let blocks: readonly string[] = []
  let deals: readonly Deal[] = []
  let connections = 0
  const asked: Asked[] = []

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    asked.push({ method, path: url, headers, body: await textOf(request) })
    if (method === 'DELETE') return void response.writeHead(204).end()
    const deal = deals[connections] ?? {}
    connections += 1
    if (deal.status !== undefined) return void response.writeHead(deal.status).end('{}')
    const from = Number(new URL(url, 'http://server').searchParams.get('from') ?? 0)
    const bytes = Buffer.from(blocksFrom(blocks, from).join(''))
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-mesh-run': RUN,
      'x-request-id': `req_${connections}`,
    })
    response.flushHeaders()
    const isCut = deal.bytes !== undefined && deal.bytes < bytes.length
    await new Promise((resolve) => response.write(bytes.subarray(0, deal.bytes), resolve))
    if (isCut && deal.cut === 'destroyed') response.socket?.destroy()
    else if (!isCut || deal.cut !== 'held') response.end()
  }

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on an address has one.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    play(nextBlocks, nextDeals = []) {
      blocks = nextBlocks
      deals = nextDeals
      connections = 0
      asked.length = 0
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What follows the first `from` blocks that are data. */
function blocksFrom(blocks: readonly string[], from: number): readonly string[] {
  let seen = 0
  const start = blocks.findIndex((block) => {
    if (seen === from) return true
    if (isData(block)) seen += 1
    return false
  })
  return start === -1 ? [] : blocks.slice(start)
}

export function isData(block: string): boolean {
  return /^data/m.test(block)
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk)
  return text
}
