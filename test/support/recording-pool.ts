/** A pool that writes down what it is sent to generate, and answers what it is told. It says nothing of its load. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { wholeAnswer } from './pool-events.ts'

export interface Recorded {
  readonly method: string
  readonly path: string
  /** Names and values as they came, in order. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

export interface RecordingPool {
  readonly url: string
  readonly port: number
  readonly requests: readonly Recorded[]
  /** What is answered from now on; without one, a whole answer. */
  answerWith(script: ((response: ServerResponse) => void) | undefined): void
  stop(): Promise<void>
}

export async function startRecordingPool(): Promise<RecordingPool> {
  const requests: Recorded[] = []
  let script: ((response: ServerResponse) => void) | undefined
  const server = createServer((request, response) => {
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    if (request.method === 'GET') {
      response.writeHead(404).end()
      return
    }
    void readText(request).then((body) => {
      requests.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: pairs(request.rawHeaders),
        body,
      })
      ;(script ?? answerWell)(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    answerWith(next) {
      script = next
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answerWell(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).end(wholeAnswer('Well', ' then.'))
}

async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  try {
    for await (const part of request) parts.push(part as Buffer)
  } catch {
    // A client that breaks off in mid-body has still sent its beginning.
  }
  return Buffer.concat(parts).toString('utf8')
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? ''] as [string, string]] : [],
  )
}
