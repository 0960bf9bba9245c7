/** POST /v1/chat/completions and /v1/completions: reads, queues, generates, and does what the faults say. */
import { randomBytes } from 'node:crypto'
import type { Core } from './core.ts'
import { readJson, sendError, sendJson, untilAborted, type Exchange } from './exchange.ts'
import type { Fault } from './faults.ts'
import { generate, type Finish, type GenerationBatch } from './generation.ts'
import { readRequest, type Surface } from './read-request.ts'
import { DONE, roleChunk, stepChunk, usageChunk, wholeBody, type Answer } from './wire.ts'

/** Resolves when the answer is written, or the client has left. */
export async function serveGeneration(core: Core, surface: Surface, exchange: Exchange): Promise<void> {
  const { clock } = core.settings
  const arrivedMs = clock.nowMs()
  const read = await readJson(exchange)
  if (read === undefined) return
  if ('error' in read) return sendError(exchange, read.error)
  const parsed = readRequest(surface, read.body, core.settings)
  if (!parsed.ok) return sendError(exchange, parsed.error)

  const fault = core.faults.take()
  if (fault.redirect_to !== undefined) {
    exchange.response.writeHead(307, { location: fault.redirect_to }).end()
    return
  }
  if (fault.status !== undefined) {
    return sendError(exchange, { status: fault.status, message: 'This error was asked for.' })
  }
  const ticket = core.scheduler.enter(exchange.signal)
  if (ticket === undefined) {
    return sendError(exchange, { status: 429, message: 'Too many requests: the waiting queue is full.' })
  }
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
  for await (const { cachedTokens, steps } of batches) {
    let text = isFirst && answer.surface === 'chat' ? roleChunk(answer, cachedTokens) : ''
    isFirst = false
    for (const step of steps) text += stepChunk(answer, step, cachedTokens)
    const last = steps.at(-1)
    if (last?.finish !== undefined) {
      const { completionTokens } = last
      exchange.response.end(text + usageChunk(answer, { cachedTokens, completionTokens }) + DONE)
      return
    }
    // Not awaited: an engine does not wait for slow clients, and a context bounds what can pile up.
    exchange.response.write(text)
  }
}

async function writeWhole({ answer, batches, exchange }: Writing): Promise<void> {
  const tokens: number[] = []
  let text = ''
  for await (const { cachedTokens, steps } of batches) {
    let finish: Finish | undefined
    for (const step of steps) {
      text += step.text
      tokens.push(step.token)
      finish = step.finish
    }
    if (finish === undefined) continue
    const made = { text, tokens, finish, cachedTokens, completionTokens: tokens.length }
    return sendJson(exchange, 200, wholeBody(answer, made))
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
    const passed = batch.steps.at(-1)?.completionTokens ?? 0
    if (passed > 0) yield batch
    if (limit === undefined || passed < limit) continue
    if (limit === fault.die_after_tokens) return exchange.breakOff()
    // Inside the loop, so that the generation keeps its place among those running.
    return await untilAborted(exchange.signal)
  }
}

function strikeAfter(fault: Fault): number | undefined {
  const { die_after_tokens: die, stall_after_tokens: stall } = fault
  return die === undefined || stall === undefined ? (die ?? stall) : Math.min(die, stall)
}
