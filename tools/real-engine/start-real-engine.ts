/** Starts a real engine: llama.cpp behind an HTTP server that answers as its own `llama-server` does. */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import path from 'node:path'
import { openExchange, sendJson, type Exchange } from '../local/engine/exchange.ts'
import { failed, noSuchRoute } from './errors.ts'
import { refuse, serveGeneration } from './generation-route.ts'
import { loadLlama } from './llama.ts'
import { loadModel } from './model.ts'
import type { Surface } from './read-request.ts'
import { createServer, statsOf, type RealEngineStats, type RealFaults, type Server } from './server.ts'

export interface RealEngineOptions {
  /** Any GGUF file. */
  readonly modelFile: string
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** The model's name in answers; without it, the file's without `.gguf`. */
  readonly alias?: string
  /** Prompt and answer of one request (2048); capped at what the model was trained on. */
  readonly contextTokens?: number
  /** Generations at once (4). Each takes the memory of a context. */
  readonly slots?: number
  /** 1: more only make a small model slower. */
  readonly threads?: number
}

export interface RealEngine {
  /** Without a slash at the end; add `/v1/…`. */
  readonly url: string
  readonly port: number
  stats(): RealEngineStats
  /** Replaces the faults. */
  setFaults(faults: RealFaults): void
  clearFaults(): void
  /** Breaks all connections, and frees the port and the memory. */
  close(): Promise<void>
}

const DEFAULT_CONTEXT_TOKENS = 2048
const DEFAULT_SLOTS = 4
/** Longer than any pause in a test: a connection closed just as it is used again looks like a failing engine. */
const KEEP_ALIVE_MS = 120_000

const SURFACES: ReadonlyMap<string, Surface> = new Map([
  ['POST /v1/chat/completions', 'chat'],
  ['POST /v1/completions', 'completions'],
])

/** Listens on 127.0.0.1 only. Rejects when llama.cpp is not installed, the file is no model, or the port is taken. */
export async function startRealEngine(options: RealEngineOptions): Promise<RealEngine> {
  const llama = await loadLlama()
  if (!llama.ok) throw new Error(llama.error)
  const model = await loadModel(llama.value, {
    modelFile: options.modelFile,
    contextTokens: options.contextTokens ?? DEFAULT_CONTEXT_TOKENS,
    sequences: options.slots ?? DEFAULT_SLOTS,
    threads: options.threads ?? 1,
  })
  const server = createServer(options.alias ?? path.basename(options.modelFile, '.gguf'), model)
  const serving = new Set<Promise<void>>()
  const http = createHttpServer((request, response) => {
    const served = serve(server, request, response).finally(() => serving.delete(served))
    serving.add(served)
  })
  http.keepAliveTimeout = KEEP_ALIVE_MS
  try {
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject)
      http.listen(options.port ?? 0, '127.0.0.1', () => {
        http.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    await model.dispose()
    throw error
  }
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    stats: () => statsOf(server),
    setFaults: (faults) => server.faults.set(faults),
    clearFaults: () => server.faults.clear(),
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()))
      http.closeAllConnections()
      // Generations look up after each token; the memory they work in must outlive them.
      await Promise.all([closed, ...serving])
      await model.dispose()
    },
  }
}

async function serve(server: Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { accounts } = server
  const route = `${request.method ?? 'GET'} ${(request.url ?? '/').split('?', 1)[0] ?? '/'}`
  const surface = SURFACES.get(route)
  const exchange = openExchange(request, response, () => {
    if (surface !== undefined) accounts.aborted += 1
  })
  if (surface === undefined) return serveInfo(server, route, exchange)
  accounts.requests += 1
  try {
    await serveGeneration(server, surface, exchange)
  } catch (error) {
    // llama.cpp's own failure. Where it was made, and not the message: it may quote a prompt.
    const frames =
      error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^ +at /.test(line)) : []
    console.error(['The engine failed.', ...frames].join('\n'))
    if (response.headersSent) exchange.breakOff()
    else refuse(exchange, failed(500, 'Compute error.'))
  }
}

function serveInfo({ alias, model }: Server, route: string, exchange: Exchange): void {
  // Says nothing about load, as in llama-server.
  if (route === 'GET /health') return sendJson(exchange, 200, { status: 'ok' })
  if (route !== 'GET /v1/models') return refuse(exchange, noSuchRoute())
  const meta = {
    n_vocab: model.vocabularySize,
    n_ctx: model.contextTokens,
    n_ctx_train: model.trainContextTokens,
    n_embd: model.embeddingLength,
    size: model.bytes,
  }
  const card = {
    id: alias,
    aliases: [alias],
    tags: [],
    object: 'model',
    created: Math.floor(Date.now() / 1000),
  }
  sendJson(exchange, 200, { object: 'list', data: [{ ...card, owned_by: 'llamacpp', meta }] })
}
