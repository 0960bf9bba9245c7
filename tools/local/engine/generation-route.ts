/** POST /v1/chat/completions and /v1/completions: reads, queues, generates, and does what the faults say. */
import { randomBytes } from 'node:crypto'
import type { Core } from './core.ts'
import { enterQueue } from './enter-queue.ts'
import { readJson, sendError, sendJson, untilAborted, type Exchange } from './exchange.ts'
import { strikeAfter, type Fault } from './faults.ts'
import { generate, type GenerationBatch } from './generation.ts'
import { readRequest, type Surface } from './read-request.ts'
import type { GenerationStep } from './step.ts'
import { DONE, roleChunks, stepChunk, usageChunk, wholeBody, type Answer } from './wire.ts'

/** Resolves when the answer is written, or the client has left. */
export async function serveGeneration(core: Core, surface: Surface, exchange: Exchange): Promise<void> {
  const { clock } = core.settings
  const arrivedMs = clock.nowMs()
  const read = await readJson(exchange)
  if (read === undefined) return
  if ('error' in read) return sendError(exchange, read.error)
  const parsed = readRequest(surface, read.body, core.settings)
  if (!parsed.ok) return sendError(exchange, parsed.error)

  const entered = enterQueue(core, exchange, parsed.value.generation.choices)
  if (entered === undefined) return
  const { fault, ticket } = entered
  const batches = generate(core, {
    request: parsed.value.generation,
    ticket,
    slowFactor: fault.slow_factor ?? 1,
    breakAfterTokens: strikeAfter(fault),
    signal: exchange.signal,
    arrivedMs,
  })
  const answer: Answer = {
    surface,
    id: (surface === 'chat' ? 'chatcmpl-' : 'cmpl-') + randomBytes(16).toString('hex'),
    createdSeconds: Math.floor(clock.epochMs() / 1000),
    model: core.settings.servedModelName,
    request: parsed.value,
  }
  const write = parsed.value.stream ? writeStream : writeWhole
  await write({ answer, batches: withFault(batches, fault, exchange), exchange })
}

interface Writing {
  readonly answer: Answer
  readonly batches: AsyncGenerator<GenerationBatch, void>
  readonly exchange: Exchange
}

async function writeStream({ answer, batches, exchange }: Writing): Promise<void> {
  // Like vLLM, before the prompt is begun: headers say that the request was accepted, not that it is served.
  exchange.response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  exchange.response.flushHeaders()
  let isFirst = true
  for await (const { cachedTokens, steps, generatedTokens, isLast } of batches) {
    let text = isFirst && answer.surface === 'chat' ? roleChunks(answer, cachedTokens) : ''
    isFirst = false
    for (const step of steps) text += stepChunk(answer, step, cachedTokens)
    if (isLast) {
      const usage = usageChunk(answer, { cachedTokens, completionTokens: generatedTokens })
      exchange.response.end(text + usage + DONE)
      return
    }
    // Not awaited: an engine does not wait for slow clients, and a context bounds what can pile up.
    exchange.response.write(text)
  }
}

async function writeWhole({ answer, batches, exchange }: Writing): Promise<void> {
  const made: GenerationStep[] = []
  for await (const { cachedTokens, steps, generatedTokens, isLast } of batches) {
    made.push(...steps)
    if (!isLast) continue
    const counts = { cachedTokens, completionTokens: generatedTokens }
    return sendJson(exchange, 200, wholeBody(answer, { ...counts, steps: made }))
  }
}

/** Passes tokens on until a fault strikes: then the socket dies, or nothing more comes until the client leaves. */
async function* withFault(
  batches: AsyncGenerator<GenerationBatch, void>,
  fault: Fault,
  exchange: Exchange,
): AsyncGenerator<GenerationBatch, void> {
  const limit = strikeAfter(fault)
  for await (const batch of batches) {
    const passed = batch.generatedTokens
    if (passed > 0) yield batch
    if (limit === undefined || passed < limit) continue
    if (limit === fault.die_after_tokens) return exchange.breakOff()
    // Inside the loop, so that the generation keeps its place among those running.
    return await untilAborted(exchange.signal)
  }
}
