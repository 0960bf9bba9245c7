/** Starts a simulated engine: an HTTP server that answers as vLLM does, with text that can be checked to the letter. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { serveAdmin } from './admin-route.ts'
import { sleepUntil } from './clock.ts'
import { createCore, statsOf, type Core, type EngineStats } from './core.ts'
import { serveEmbeddings } from './embeddings-route.ts'
import { openExchange, sendError, sendJson, type Exchange } from './exchange.ts'
import type { Faults } from './faults.ts'
import { serveGeneration } from './generation-route.ts'
import { serveInfo } from './info-routes.ts'
import { rttMs, settle, type EngineOptions } from './options.ts'

export interface Engine {
  /** Without a slash at the end; add `/v1/…`. */
  readonly url: string
  readonly port: number
  stats(): EngineStats
  /** Replaces the faults. */
  setFaults(faults: Faults): void
  clearFaults(): void
  /** Makes every prompt cold. */
  clearCache(): void
  /** Breaks all connections and frees the port. */
  close(): Promise<void>
}

/** Names the region of the edge that calls; the answer then comes one round trip later. */
export const EDGE_REGION_HEADER = 'x-sim-edge-region'

/** Longer than any pause in a test: a connection closed just as it is used again looks like a failing engine. */
const KEEP_ALIVE_MS = 120_000
/** The routes that run the model: the ones that are counted, that faults touch, and that clients leave. */
const MODEL_ROUTES: ReadonlyMap<string, Serve> = new Map([
  ['POST /v1/chat/completions', (core, exchange) => serveGeneration(core, 'chat', exchange)],
  ['POST /v1/completions', (core, exchange) => serveGeneration(core, 'completions', exchange)],
  ['POST /v1/embeddings', serveEmbeddings],
])

type Serve = (core: Core, exchange: Exchange) => Promise<void>

/** Listens on 127.0.0.1 only. Rejects when the port is taken. */
export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  const core = createCore(settle(options))
  const server = createServer((request, response) => {
    void serve(core, request, response)
  })
  server.keepAliveTimeout = KEEP_ALIVE_MS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(core.settings.port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    stats: () => statsOf(core),
    setFaults: (faults) => core.faults.set(faults),
    clearFaults: () => core.faults.clear(),
    clearCache: () => core.cache.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(core: Core, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const route = `${request.method ?? 'GET'} ${path}`
  const run = MODEL_ROUTES.get(route)
  const exchange = openExchange(request, response, () => {
    if (run === undefined) return
    core.accounts.aborted += 1
    core.accounts.endings.abort += 1
  })
  if (run !== undefined) core.accounts.requests += 1
  try {
    if (path.startsWith('/admin/')) {
      if (!(await serveAdmin(core, route, exchange))) refuseRoute(exchange)
    } else {
      await serveApi(core, { route, path, run }, exchange)
    }
  } catch (error) {
    // A mistake of the engine's own: the 500 that a real one would give, and on the console where it was made;
    // not the message, which may quote a prompt.
    const frames =
      error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^ +at /.test(line)) : []
    console.error(['The engine failed.', ...frames].join('\n'))
    if (response.headersSent) exchange.breakOff()
    else sendError(exchange, { status: 500, message: 'Internal server error.' })
  }
}

interface Called {
  readonly route: string
  readonly path: string
  /** Undefined when the route does not run the model. */
  readonly run: Serve | undefined
}

async function serveApi(core: Core, { route, path, run }: Called, exchange: Exchange): Promise<void> {
  if (core.faults.isDown()) {
    if (run !== undefined) core.faults.countDown()
    return exchange.breakOff()
  }
  const { settings } = core
  const region = exchange.request.headers[EDGE_REGION_HEADER]
  const distanceMs = rttMs(settings, region?.toString())
  await sleepUntil(settings.clock, settings.clock.nowMs() + distanceMs, exchange.signal)
  if (exchange.signal.aborted) return
  // As vLLM: the key guards /v1 alone, and this error is a string.
  const { apiKey } = settings
  const isKeyed = apiKey !== undefined && path.startsWith('/v1/')
  if (isKeyed && exchange.request.headers.authorization !== `Bearer ${apiKey}`) {
    return sendJson(exchange, 401, { error: 'Unauthorized' })
  }
  if (run !== undefined) return run(core, exchange)
  if (!(await serveInfo(core, route, exchange))) refuseRoute(exchange)
}

function refuseRoute(exchange: Exchange): void {
  sendError(exchange, { status: 404, message: 'Not Found' })
}
