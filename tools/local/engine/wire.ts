/** The bodies and chunks of answers, field for field as vLLM writes them. */
import { chatLogprobs, completionLogprobs } from './logprobs-wire.ts'
import type { ReadRequest, Surface } from './read-request.ts'
import type { Finish, GenerationStep } from './step.ts'

export interface Answer {
  readonly surface: Surface
  readonly id: string
  readonly createdSeconds: number
  readonly model: string
  readonly request: ReadRequest
}

interface Counts {
  readonly cachedTokens: number
  /** Of one choice in its chunks, of all where the counts are final. */
  readonly completionTokens: number
}

/** The chunks before the first token's, one per choice, on the chat surface only. They are sent together with that. */
export function roleChunks(answer: Answer, cachedTokens: number): string {
  const { returnTokenIds, generation } = answer.request
  const ids = returnTokenIds ? { prompt_token_ids: generation.prompt } : {}
  const usage = continuousUsage(answer, { cachedTokens, completionTokens: 0 })
  const chunks = Array.from({ length: generation.choices }, (_, index) => {
    const choice = { index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }
    return event({ ...head(answer, true), choices: [choice], ...ids, ...usage })
  })
  return chunks.join('')
}

/** One token. The last one of a choice carries its finish, and its own text with it. */
export function stepChunk(answer: Answer, step: GenerationStep, cachedTokens: number): string {
  const { choice: index, text, token, finish, completionTokens } = step
  const end = finish === undefined ? null : finishReason(answer, finish)
  const { returnTokenIds, generation } = answer.request
  const ids = returnTokenIds ? { token_ids: [token] } : {}
  const logprobs = logprobsOf(answer, [step])
  const usage = continuousUsage(answer, { cachedTokens, completionTokens })
  if (answer.surface === 'chat') {
    const stop = finish === undefined ? {} : { stop_reason: finish.stop }
    const delta = deltaOf(answer, step)
    const choice = { index, delta, logprobs, finish_reason: end, ...stop, ...ids }
    return event({ ...head(answer, true), choices: [choice], ...usage })
  }
  const isFirst = returnTokenIds && completionTokens === 1
  const promptIds = isFirst ? { prompt_token_ids: generation.prompt } : {}
  const stop = finish?.stop ?? null
  const choice = { index, text, logprobs, finish_reason: end, stop_reason: stop, ...promptIds, ...ids }
  return event({ ...head(answer, true), choices: [choice], ...usage })
}

/** The chunk after the finish that `include_usage` asks for; empty without it. */
export function usageChunk(answer: Answer, counts: Counts): string {
  if (!answer.request.includeUsage) return ''
  return event({ ...head(answer, true), choices: [], usage: usageOf(answer, counts) })
}

export const DONE = 'data: [DONE]\n\n'

/** The whole answer of a request without `stream`, from all steps in the order in which they came. */
export function wholeBody(
  answer: Answer,
  made: Counts & { readonly steps: readonly GenerationStep[] },
): object {
  const { returnTokenIds, generation } = answer.request
  const promptIds = returnTokenIds ? generation.prompt : null
  const isChat = answer.surface === 'chat'
  const choices = Array.from({ length: generation.choices }, (_, index) => {
    const steps = made.steps.filter((step) => step.choice === index)
    const finish = steps.at(-1)?.finish
    if (finish === undefined) throw new Error('a choice has no finish')
    const text = steps.map((step) => step.text).join('')
    const said = isChat ? { message: messageOf(answer, index, text) } : { text }
    return {
      index,
      ...said,
      logprobs: logprobsOf(answer, steps),
      finish_reason: finishReason(answer, finish),
      stop_reason: finish.stop,
      token_ids: returnTokenIds ? steps.map(({ token }) => token) : null,
      ...(isChat ? {} : { prompt_token_ids: promptIds }),
    }
  })
  const ids = isChat ? { prompt_token_ids: promptIds } : {}
  return { ...head(answer, false), choices, usage: usageOf(answer, made), ...ids }
}

function head(answer: Answer, isChunk: boolean): object {
  const { surface, id, createdSeconds: created, model } = answer
  if (surface === 'completions') return { id, object: 'text_completion', created, model }
  return { id, object: isChunk ? 'chat.completion.chunk' : 'chat.completion', created, model }
}

/** A call's name and id come with its first token; its end brings nothing. */
function deltaOf(answer: Answer, { choice, text, completionTokens, finish }: GenerationStep): object {
  const { call } = answer.request
  if (call === undefined) return { content: text }
  if (completionTokens === 1) return { tool_calls: [{ index: 0, ...callOf(answer, choice, text) }] }
  if (text === '' && finish !== undefined) return {}
  return { tool_calls: [{ index: 0, function: { arguments: text } }] }
}

function messageOf(answer: Answer, choice: number, text: string): object {
  const isCall = answer.request.call !== undefined
  return {
    role: 'assistant',
    content: isCall ? null : text,
    refusal: null,
    tool_calls: isCall ? [callOf(answer, choice, text)] : [],
    reasoning: null,
  }
}

function callOf({ id, request }: Answer, choice: number, text: string): object {
  const callId = `${id.replace('-', '-tool-')}-${choice}`
  return { id: callId, type: 'function', function: { name: request.call, arguments: text } }
}

/** Only JSON that is complete is a call. */
function finishReason({ request }: Answer, { reason, stop }: Finish): string {
  return request.call !== undefined && reason === 'stop' && stop === null ? 'tool_calls' : reason
}

function logprobsOf({ surface, request }: Answer, steps: readonly GenerationStep[]): object | null {
  if (request.logprobs === undefined) return null
  return surface === 'chat'
    ? chatLogprobs(steps, request.logprobs)
    : completionLogprobs(steps, request.logprobs)
}

function usageOf(answer: Answer, counts: Counts): object {
  return {
    ...totals(answer, counts),
    prompt_tokens_details: { cached_tokens: counts.cachedTokens },
  }
}

/** vLLM states the details only where the counts are final. */
function continuousUsage(answer: Answer, counts: Counts): object {
  return answer.request.continuousUsage ? { usage: totals(answer, counts) } : {}
}

/** The prompt counts once, however many choices it has. */
function totals(answer: Answer, counts: Counts): object {
  const promptTokens = answer.request.generation.prompt.length
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + counts.completionTokens,
    completion_tokens: counts.completionTokens,
  }
}

function event(chunk: object): string {
  return `data: ${JSON.stringify(chunk)}\n\n`
}
