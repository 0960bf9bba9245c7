/** Speaks HTTP over a bare socket, for what `fetch` would never send: half a body, a doubled header, a reset. */
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** By lower-case name; of a header that came twice, the last. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface RawRequest {
  readonly socket: Socket
  /** Resolves when the system has taken all of the text. */
  readonly sent: Promise<void>
  /** Everything that came so far. */
  readonly received: () => string
  /** Resolves with the answer when it is whole, or with undefined when the connection closed without one. */
  readonly answer: Promise<RawAnswer | undefined>
}

/** Opens a connection and writes the text, line ends included. */
export function sendRaw(url: string, text: string | Uint8Array): RawRequest {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const sent = new Promise<void>((resolve) => {
    socket.write(text, () => resolve())
  })
  let received = ''
  const answer = new Promise<RawAnswer | undefined>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      const whole = parseAnswer(received)
      if (whole !== undefined) resolve(whole)
    })
    // A connection that breaks is what some of these tests are about.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(parseAnswer(received)))
  })
  return { socket, sent, received: () => received, answer }
}

/** The head of a POST with these header lines; `host` and the empty line are added. */
export function postHead(path: string, headerLines: readonly string[]): string {
  return [`POST ${path} HTTP/1.1`, 'host: localhost', ...headerLines, '', ''].join('\r\n')
}

/** Undefined until the body has the length it was declared with; answers in chunks are not read. */
function parseAnswer(text: string): RawAnswer | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    }),
  )
  const body = text.slice(headEnd + 4)
  const length = headers.get('content-length')
  if (length === undefined || body.length < Number(length)) return undefined
  return { status: Number(statusLine.split(' ')[1]), headers, body }
}
