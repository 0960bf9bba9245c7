/**
 * Pools whose every word is a mark that can be searched for: one HTTP server for each, which writes down all that it is sent,
 * counts its tokens as vLLM does, goes on from where another one stopped, and does what it is told to do wrong.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request to a pool, all of it: the line, the headers and the body. */
export interface Received {
  readonly method: string
  readonly text: string
}

export interface MarkedPool {
  readonly url: string
  readonly received: readonly Received[]
  /** What becomes of the next generations; without it they are answered. */
  does(what: Misdeed | undefined): void
  stop(): Promise<void>
}

/** Whatever it is, it befalls what is being answered, too, at the next token. */
export type Misdeed =
  /** It breaks every connection. */
  | { readonly kind: 'dead' }
  /** Nothing more comes, on connections that stay open. */
  | { readonly kind: 'stalls' }
  /** So many answers of all pools that were told so; without a number, every one. */
  | { readonly kind: 'dies'; readonly afterTokens: number; readonly left?: { answers: number } }
  /** An error that repeats all that was asked. */
  | { readonly kind: 'echoes'; readonly status: number }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'redirects'; readonly to: string }

interface Asked {
  readonly input?: readonly unknown[]
  readonly max_tokens?: number
  readonly messages?: readonly { readonly role: string; readonly content: unknown }[]
}

/** Of an answer whose length nobody limits. */
const TOKENS = 30
const DIMENSIONS = 8
const SSE = { 'content-type': 'text/event-stream' }

/** `mark` is each token of each answer; `tokenEveryMs` makes answers long enough for something to happen under them. */
export async function startMarkedPool(mark: string, tokenEveryMs = 3): Promise<MarkedPool> {
  const received: Received[] = []
  let misdeed: Misdeed | undefined
  const server = createServer((request, response) => {
    // Clients that leave are a part of what is tested.
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    void readBody(request).then((body) => {
      const head = [request.method, request.url, ...request.rawHeaders].join(' ')
      received.push({ method: request.method ?? '', text: `${head}\n${body}` })
      if (request.method === 'GET') response.writeHead(404).end()
      else if (misdeed !== undefined && misdeed.kind !== 'dies') doWrong(response, misdeed, body)
      else answer(response, { mark, tokenEveryMs, misdeed: () => misdeed }, JSON.parse(body) as Asked)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    does(what) {
      misdeed = what
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function doWrong(response: ServerResponse, misdeed: Exclude<Misdeed, { kind: 'dies' }>, body: string): void {
  switch (misdeed.kind) {
    case 'dead':
      response.destroy()
      break
    case 'stalls':
      break
    case 'echoes': {
      const error = { message: `I cannot do this: ${body}`, type: body.slice(0, 200), code: body }
      response
        .writeHead(misdeed.status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error }))
      break
    }
    case 'garbage':
      response.writeHead(200, SSE).end(`data: {"choices":[{"delta":${body}\n\n${body}\n\n`)
      break
    case 'redirects':
      response.writeHead(307, { location: misdeed.to }).end(body)
      break
  }
}

interface Voice {
  readonly mark: string
  readonly tokenEveryMs: number
  readonly misdeed: () => Misdeed | undefined
}

function answer(response: ServerResponse, voice: Voice, asked: Asked): void {
  if (asked.input === undefined) void generate(response, voice, asked)
  else embed(response, asked.input)
}

function embed(response: ServerResponse, input: readonly unknown[]): void {
  const data = input.map((_, index) => ({
    object: 'embedding',
    index,
    embedding: Array.from({ length: DIMENSIONS }, (__, dimension) => (index + 1) / (dimension + 2)),
  }))
  const usage = { prompt_tokens: input.length, total_tokens: input.length }
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ object: 'list', model: 'story-8b', data, usage }))
}

async function generate(
  response: ServerResponse,
  { mark, tokenEveryMs, misdeed }: Voice,
  { messages = [], max_tokens: limit = TOKENS }: Asked,
): Promise<void> {
  const last = messages.at(-1)
  const begun = last?.role === 'assistant' ? String(last.content).split(mark).length - 1 : 0
  const tokens = Math.min(limit, TOKENS - begun)
  response.writeHead(200, SSE)
  response.write(event({ role: 'assistant', content: '' }, 0))
  for (let made = 1; made <= tokens; made += 1) {
    if (isStruck(response, made, misdeed())) return
    response.write(event({ content: ` ${mark}` }, made))
    await new Promise((resolve) => setTimeout(resolve, tokenEveryMs))
  }
  response.write(event({ content: '' }, tokens, begun + tokens < TOKENS ? 'length' : 'stop'))
  response.end('data: [DONE]\n\n')
}

/** Whether it goes on no more. */
function isStruck(response: ServerResponse, token: number, misdeed: Misdeed | undefined): boolean {
  switch (misdeed?.kind) {
    case undefined:
      return false
    case 'dies':
      if (token <= misdeed.afterTokens || misdeed.left?.answers === 0) return false
      if (misdeed.left !== undefined) misdeed.left.answers -= 1
      response.destroy()
      return true
    case 'stalls':
      return true
    case 'garbage':
      response.end('data: {"choices":[{"delta":\n\n')
      return true
    case 'dead':
    case 'echoes':
    case 'redirects':
      response.destroy()
      return true
  }
}

/** As vLLM writes it with `continuous_usage_stats`. */
function event(delta: object, made: number, finish: string | null = null): string {
  const usage = { prompt_tokens: 5, completion_tokens: made, total_tokens: 5 + made }
  const choices = [{ index: 0, delta, finish_reason: finish }]
  const chunk = { id: 'chatcmpl-of-the-pool', object: 'chat.completion.chunk', created: 1, model: 'story-8b' }
  return `data: ${JSON.stringify({ ...chunk, choices, usage })}\n\n`
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  try {
    for await (const part of request) parts.push(part as Buffer)
  } catch {
    // What came of it is what was sent.
  }
  return Buffer.concat(parts).toString('utf8')
}
