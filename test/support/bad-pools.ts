/** Ways in which a pool can be bad, each with what a client should see of it. */
import { beginStream, chunk, writeForever, type Script } from './scripted-pool.ts'

const ROLE = chunk({ role: 'assistant', content: '' })
const HELLO = ROLE + chunk({ content: 'Hello' })
const DONE = 'data: [DONE]\n\n'
const MEBIBYTE = 1024 * 1024
/** Half as much again as an event may have. */
const GIANT = chunk({ content: 'x'.repeat(6 * MEBIBYTE) })
const BLOCK = 'x'.repeat(64 * 1024)
/** An answer may be 32 MiB; the rest is what sockets hold on the way. */
export const MAX_FLOOD_BYTES = 48 * MEBIBYTE

export interface Refusal {
  readonly script: Script
  readonly status: number
  readonly code: string
  readonly retryAfter?: string
  /** The request's or the config's fault, which another pool would not mend. */
  readonly isFinal?: true
  /** Takes so much of the machine that nothing else is measured meanwhile. */
  readonly isFlood?: true
}

const UNAVAILABLE = { status: 503, code: 'no_eligible_pool' } as const
const LATE = { status: 504, code: 'pool_timeout' } as const
const REJECTED = { status: 400, code: 'pool_rejected_request', isFinal: true } as const
const TOO_LONG = { status: 400, code: 'context_length_exceeded', isFinal: true } as const
const MISCONFIGURED = { status: 502, code: 'pool_misconfigured', isFinal: true } as const

/** What goes wrong before the first token. `foreignUrl` is where redirects point. */
export function refusals(foreignUrl: () => string): Readonly<Record<string, Refusal>> {
  const redirect =
    (code: number): Script =>
    (response) =>
      void response.writeHead(code, { location: foreignUrl() }).end()
  return {
    'closes at once': { script: (response) => void response.destroy(), ...UNAVAILABLE },
    resets: { script: (response) => void response.socket?.resetAndDestroy(), ...UNAVAILABLE },
    'says nothing': { script: () => undefined, ...LATE },
    'sends headers and nothing': { script: (response) => beginStream(response), ...LATE },
    'sends a role and nothing': { script: (response) => beginStream(response, ROLE), ...LATE },
    'only keeps alive': { script: keepAlive, ...LATE },
    'sends no HTTP': { script: (response) => void response.socket?.end('\0\xff\r\n\r\n'), ...UNAVAILABLE },
    'sends a page': { script: whole('text/html', '<html><body>Hello</body></html>'), ...UNAVAILABLE },
    'sends JSON and no stream': {
      script: whole('application/json', '{"choices":[{"message":{"content":"Hello"}}]}'),
      ...UNAVAILABLE,
    },
    'sends nothing and ends': { script: whole('text/event-stream', ''), ...UNAVAILABLE },
    'is done before it began': { script: whole('text/event-stream', DONE), ...UNAVAILABLE },
    'sends an error event': {
      script: whole('text/event-stream', `data: {"error":{"message":"x"}}\n\n${DONE}`),
      ...UNAVAILABLE,
    },
    'sends an event named error': {
      script: whole('text/event-stream', `event: error\ndata: {}\n\n${DONE}`),
      ...UNAVAILABLE,
    },
    'sends an event that is no JSON': {
      script: whole('text/event-stream', `data: {"choices\n\n${DONE}`),
      ...UNAVAILABLE,
    },
    'lies about compression': {
      script: (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
        response.end(HELLO)
      },
      ...UNAVAILABLE,
    },
    'answers 500': { script: status(500, 'x'), ...UNAVAILABLE },
    'answers 500 and never says why': { script: stalledBody(500), ...UNAVAILABLE },
    'answers 500 for ever': { script: flooded(500, BLOCK), ...UNAVAILABLE, isFlood: true },
    'answers 503': { script: status(503, 'x'), ...UNAVAILABLE },
    'answers 529': { script: status(529, 'x'), ...UNAVAILABLE },
    'answers 408': { script: status(408, 'x'), ...UNAVAILABLE },
    'answers 204': { script: status(204, ''), ...UNAVAILABLE },
    'answers 429': { script: status(429, 'x', { 'retry-after': '7' }), ...UNAVAILABLE, retryAfter: '7' },
    'answers 429 for a day': {
      script: status(429, 'x', { 'retry-after': '86400' }),
      ...UNAVAILABLE,
      retryAfter: '60',
    },
    'answers 429 and nonsense': {
      script: status(429, 'x', { 'retry-after': '-7; evil' }),
      ...UNAVAILABLE,
      retryAfter: '1',
    },
    'is full': {
      script: status(503, '{"message":"The queue is full"}', { 'retry-after': '5' }),
      ...UNAVAILABLE,
      retryAfter: '5',
    },
    'finds the prompt too long': {
      script: status(400, '{"error":{"message":"x","code":"context_length_exceeded"}}'),
      ...TOO_LONG,
    },
    'answers 400': { script: status(400, '{"error":{"message":"x"}}'), ...REJECTED },
    'answers 400 and never says why': { script: stalledBody(400), ...REJECTED },
    'answers 422': { script: status(422, 'x'), ...REJECTED },
    'answers 401': { script: status(401, 'x'), ...MISCONFIGURED },
    'answers 403': { script: status(403, 'x'), ...MISCONFIGURED },
    'answers 404': { script: status(404, 'x'), ...MISCONFIGURED },
    'answers 300': { script: redirect(300), ...UNAVAILABLE },
    'answers 301': { script: redirect(301), ...UNAVAILABLE },
    'answers 302': { script: redirect(302), ...UNAVAILABLE },
    'answers 303': { script: redirect(303), ...UNAVAILABLE },
    'answers 304': { script: redirect(304), ...UNAVAILABLE },
    'answers 307': { script: redirect(307), ...UNAVAILABLE },
    'answers 308': { script: redirect(308), ...UNAVAILABLE },
    'sends a header without end': {
      script: (response) => {
        response.socket?.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx: ')
        floodSocket(response, BLOCK)
      },
      ...UNAVAILABLE,
      isFlood: true,
    },
    'sends headers without end': {
      script: (response) => {
        response.socket?.write('HTTP/1.1 200 OK\r\n')
        floodSocket(response, `x: ${'x'.repeat(1000)}\r\n`.repeat(64))
      },
      ...UNAVAILABLE,
      isFlood: true,
    },
    'sends a line without end': { script: flooded(200, `data: ${BLOCK}`), ...UNAVAILABLE, isFlood: true },
    'sends an event without end': { script: flooded(200, `data: ${BLOCK}\n`), ...UNAVAILABLE, isFlood: true },
    'sends an event of 6 MiB': {
      script: (response) => beginStream(response, GIANT),
      ...UNAVAILABLE,
      isFlood: true,
    },
  }
}

export interface Break {
  readonly script: Script
  readonly status: number
  readonly code: string
  readonly isFlood?: true
}

const STALLED = { status: 504, code: 'stream_stalled' } as const
const CUT = { status: 502, code: 'stream_truncated' } as const
const FAILED = { status: 502, code: 'pool_stream_error' } as const
const TOO_SLOW = { status: 504, code: 'total_timeout' } as const

/** What goes wrong after the first token. */
export const BREAKS: Readonly<Record<string, Break>> = {
  stalls: { script: (response) => beginStream(response, HELLO), ...STALLED },
  'only keeps alive': {
    script: (response) => {
      beginStream(response, HELLO)
      keepAlive(response)
    },
    ...TOO_SLOW,
  },
  'loses the connection': { script: after(HELLO, (response) => response.socket?.destroySoon()), ...CUT },
  'ends without a finish': { script: whole('text/event-stream', HELLO), ...CUT },
  'ends within an event': { script: whole('text/event-stream', `${HELLO}data: {"choices":[{"ind`), ...CUT },
  'is done without a finish': { script: whole('text/event-stream', HELLO + DONE), ...CUT },
  'goes on as a page': { script: whole('text/event-stream', `${HELLO}<html>\n\n</html>\n\n`), ...CUT },
  'reports an error, then is done': {
    script: whole('text/event-stream', `${HELLO}data: {"error":{"message":"x"}}\n\n${DONE}`),
    ...FAILED,
  },
  'finishes by an error': {
    script: whole('text/event-stream', `${HELLO}${chunk({}, 'error')}${DONE}`),
    ...FAILED,
  },
  'sends an event that is no JSON': {
    script: whole('text/event-stream', `${HELLO}data: nonsense\n\n${DONE}`),
    ...FAILED,
  },
  'sends a line without end': { script: floodedAfter(HELLO, `data: ${BLOCK}`), ...FAILED, isFlood: true },
  'sends an event of 6 MiB': {
    script: (response) => beginStream(response, HELLO + GIANT),
    ...FAILED,
    isFlood: true,
  },
  'sends tokens without end': {
    script: floodedAfter(HELLO, chunk({ content: BLOCK })),
    ...FAILED,
    isFlood: true,
  },
}

function whole(contentType: string, text: string): Script {
  return (response) => void response.writeHead(200, { 'content-type': contentType }).end(text)
}

function status(code: number, body: string, headers: Readonly<Record<string, string>> = {}): Script {
  return (response) => void response.writeHead(code, headers).end(body)
}

function stalledBody(code: number): Script {
  return (response) => {
    response.writeHead(code, { 'content-type': 'application/json' })
    response.write('{"error":')
  }
}

function flooded(code: number, text: string): Script {
  return (response) => {
    response.writeHead(code, { 'content-type': 'text/event-stream' })
    writeForever(response, text)
  }
}

function floodedAfter(first: string, text: string): Script {
  return (response) => {
    beginStream(response, first)
    writeForever(response, text)
  }
}

function floodSocket(response: Parameters<Script>[0], text: string): void {
  const { socket } = response
  const write = (): void => {
    while (socket !== null && !socket.destroyed && socket.write(text));
    socket?.once('drain', write)
  }
  write()
}

function after(text: string, then: (response: Parameters<Script>[0]) => void): Script {
  return (response) => {
    beginStream(response)
    response.write(text, () => then(response))
  }
}

/** A comment now and then: bytes, but no answer. */
function keepAlive(response: Parameters<Script>[0]): void {
  if (!response.headersSent) beginStream(response)
  const timer = setInterval(() => response.write(': keep-alive\n\n'), 100)
  response.once('close', () => clearInterval(timer))
}
