/** POST /v1/embeddings: reads, queues, takes the inputs' time, and answers with their vectors. */
import { randomBytes } from 'node:crypto'
import { observe } from './accounts.ts'
import type { Core } from './core.ts'
import { embed } from './embedding.ts'
import { enterQueue } from './enter-queue.ts'
import { readJson, sendError, sendJson, untilAborted, type Exchange } from './exchange.ts'
import { strikeAfter, type Fault } from './faults.ts'
import { prefill } from './prefill.ts'
import { readEmbeddings, type EmbeddingRequest } from './read-embeddings.ts'

/**
 * Resolves when the answer is written, or the client has left. All inputs are one batch in one place of the
 * scheduler, and none is cached: vLLM's pooling models do not share prefixes.
 */
export async function serveEmbeddings(core: Core, exchange: Exchange): Promise<void> {
  const { accounts, settings } = core
  const { clock } = settings
  const arrivedMs = clock.nowMs()
  const read = await readJson(exchange)
  if (read === undefined) return
  if ('error' in read) return sendError(exchange, read.error)
  const parsed = readEmbeddings(read.body, settings)
  if (!parsed.ok) return sendError(exchange, parsed.error)
  const { inputs } = parsed.value

  const entered = enterQueue(core, exchange, 1)
  if (entered === undefined) return
  const { fault, ticket } = entered
  try {
    if (!(await ticket.turn)) return
    const begunMs = clock.nowMs()
    observe(accounts.queueTime, begunMs - arrivedMs)
    accounts.embeddings += inputs.length
    const uncachedTokens = tokensIn(inputs)
    const slowFactor = fault.slow_factor ?? 1
    const readyMs = await prefill(core, { begunMs, uncachedTokens, slowFactor, signal: exchange.signal })
    if (readyMs === undefined || (await isStruck(fault, exchange))) return
    observe(accounts.endToEnd, clock.nowMs() - arrivedMs)
  } finally {
    ticket.leave()
  }
  sendJson(exchange, 200, bodyOf(core, parsed.value))
}

/** There are no tokens to count: only a fault before the first one strikes. */
async function isStruck(fault: Fault, exchange: Exchange): Promise<boolean> {
  if (strikeAfter(fault) !== 0) return false
  if (fault.die_after_tokens === 0) exchange.breakOff()
  else await untilAborted(exchange.signal)
  return true
}

function bodyOf(core: Core, { inputs, dimensions, isBase64 }: EmbeddingRequest): object {
  const { clock, model, servedModelName } = core.settings
  const data = inputs.map((tokens, index) => {
    const vector = embed(model, tokens, dimensions)
    return { index, object: 'embedding', embedding: isBase64 ? base64Of(vector) : [...vector] }
  })
  const promptTokens = tokensIn(inputs)
  return {
    id: `embd-${randomBytes(16).toString('hex')}`,
    object: 'list',
    created: Math.floor(clock.epochMs() / 1000),
    model: servedModelName,
    data,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  }
}

function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * Float32Array.BYTES_PER_ELEMENT)
  vector.forEach((component, index) => bytes.writeFloatLE(component, index * Float32Array.BYTES_PER_ELEMENT))
  return bytes.toString('base64')
}

function tokensIn(inputs: EmbeddingRequest['inputs']): number {
  return inputs.reduce((sum, { length }) => sum + length, 0)
}
