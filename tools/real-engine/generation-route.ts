/** POST /v1/chat/completions and /v1/completions: reads, waits for a slot, generates, and does what the faults say. */
import { randomBytes } from 'node:crypto'
import { readJson, sendJson, untilAborted, type Exchange } from '../local/engine/exchange.ts'
import { strikeAfter, type Fault } from '../local/engine/faults.ts'
import { errorBody, failed, malformedJson, type ServerError } from './errors.ts'
import { generate, type Step } from './generate.ts'
import { readRequest, type Surface } from './read-request.ts'
import type { Server } from './server.ts'
import { finishChunks, roleChunk, textChunk, wholeBody, type Answer } from './wire.ts'

/** Resolves when the answer is written, or the client has left. */
export async function serveGeneration(server: Server, surface: Surface, exchange: Exchange): Promise<void> {
  const { model, accounts } = server
  const { signal } = exchange
  const read = await readJson(exchange)
  if (read === undefined) return
  if ('error' in read) return refuse(exchange, malformedJson())
  const parsed = readRequest(surface, read.body, model)
  if (!parsed.ok) return refuse(exchange, parsed.error)
  const fault = server.faults.take()
  if (fault.status !== undefined) return refuse(exchange, failed(fault.status, 'This error was asked for.'))

  const { generation, stream } = parsed.value
  const lease = await server.slots.take(generation.prompt, signal)
  if (lease === undefined) return
  accounts.generations += 1
  const answer: Answer = {
    surface,
    // Of both surfaces, as llama-server has it.
    id: `chatcmpl-${randomBytes(16).toString('hex')}`,
    createdSeconds: Math.floor(Date.now() / 1000),
    model: server.alias,
    request: parsed.value,
  }
  const steps = counted(server, generate(model, lease.sequence, generation, signal))
  const write = stream ? writeStream : writeWhole
  try {
    await write({ answer, steps: withFault(steps, fault, exchange), exchange })
  } finally {
    lease.release()
  }
}

export function refuse(exchange: Exchange, error: ServerError): void {
  sendJson(exchange, error.status, errorBody(error))
}

interface Writing {
  readonly answer: Answer
  readonly steps: AsyncGenerator<Step, void>
  readonly exchange: Exchange
}

async function writeStream({ answer, steps, exchange }: Writing): Promise<void> {
  // Now, when a slot has taken the request: as in llama-server, what comes before is time in the queue.
  exchange.response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
  exchange.response.flushHeaders()
  const { begun, isContinuation } = answer.request.prompt
  let first = roleChunk(answer) + (isContinuation ? '' : textChunk(answer, begun))
  for await (const step of steps) {
    const text = first + textChunk(answer, step.text, step.counts)
    first = ''
    // Not awaited: an engine does not wait for slow clients, and a context bounds what can pile up.
    if (step.finish === undefined) exchange.response.write(text)
    else exchange.response.end(text + finishChunks(answer, step))
  }
}

async function writeWhole({ answer, steps, exchange }: Writing): Promise<void> {
  let text = ''
  for await (const step of steps) {
    text += step.text
    if (step.finish !== undefined) sendJson(exchange, 200, wholeBody(answer, text, step))
  }
}

async function* counted({ accounts }: Server, steps: AsyncGenerator<Step, void>): AsyncGenerator<Step, void> {
  for await (const step of steps) {
    const { promptTokens, cachedTokens, completionTokens } = step.counts
    if (completionTokens === 1) {
      accounts.promptTokensCached += cachedTokens
      accounts.promptTokensComputed += promptTokens - cachedTokens
    }
    accounts.tokensGenerated += 1
    if (step.finish !== undefined) accounts.completed += 1
    yield step
  }
}

/** Passes tokens on until a fault strikes: then the socket dies, or nothing more comes until the client leaves. */
async function* withFault(
  steps: AsyncGenerator<Step, void>,
  fault: Fault,
  exchange: Exchange,
): AsyncGenerator<Step, void> {
  const limit = strikeAfter(fault)
  if (limit === 0) return strike(fault, exchange)
  for await (const step of steps) {
    if (step.counts.completionTokens !== limit) {
      yield step
      continue
    }
    // Exactly so many are sent, without a finish.
    const { finish: _, ...unfinished } = step
    yield unfinished
    // Inside the loop, so that a stalled generation keeps its slot.
    return await strike(fault, exchange)
  }
}

function strike(fault: Fault, exchange: Exchange): Promise<void> {
  if (strikeAfter(fault) !== fault.die_after_tokens) return untilAborted(exchange.signal)
  exchange.breakOff()
  return Promise.resolve()
}
