/** The bodies and chunks of answers, field for field as vLLM writes them. */
import type { Finish, GenerationStep } from './generation.ts'
import type { ReadRequest, Surface } from './read-request.ts'

export interface Answer {
  readonly surface: Surface
  readonly id: string
  readonly createdSeconds: number
  readonly model: string
  readonly request: ReadRequest
}

interface Counts {
  readonly cachedTokens: number
  readonly completionTokens: number
}

/** The chunk before the first token's, on the chat surface only. It is sent together with that. */
export function roleChunk(answer: Answer, cachedTokens: number): string {
  const choice = { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }
  const ids = answer.request.returnTokenIds ? { prompt_token_ids: answer.request.generation.prompt } : {}
  const usage = continuousUsage(answer, { cachedTokens, completionTokens: 0 })
  return event({ ...head(answer, true), choices: [choice], ...ids, ...usage })
}

/** One token. The last one carries the finish, and its own text with it. */
export function stepChunk(answer: Answer, step: GenerationStep, cachedTokens: number): string {
  const { text, token, finish, completionTokens } = step
  const end = finish === undefined ? null : finish.reason
  const ids = answer.request.returnTokenIds ? { token_ids: [token] } : {}
  const usage = continuousUsage(answer, { cachedTokens, completionTokens })
  if (answer.surface === 'chat') {
    const stop = finish === undefined ? {} : { stop_reason: finish.stop }
    const choice = {
      index: 0,
      delta: { content: text },
      logprobs: null,
      finish_reason: end,
      ...stop,
      ...ids,
    }
    return event({ ...head(answer, true), choices: [choice], ...usage })
  }
  const isFirst = answer.request.returnTokenIds && completionTokens === 1
  const promptIds = isFirst ? { prompt_token_ids: answer.request.generation.prompt } : {}
  const choice = {
    index: 0,
    text,
    logprobs: null,
    finish_reason: end,
    stop_reason: finish?.stop ?? null,
    ...promptIds,
    ...ids,
  }
  return event({ ...head(answer, true), choices: [choice], ...usage })
}

/** The chunk after the finish that `include_usage` asks for; empty without it. */
export function usageChunk(answer: Answer, counts: Counts): string {
  if (!answer.request.includeUsage) return ''
  return event({ ...head(answer, true), choices: [], usage: usageOf(answer, counts) })
}

export const DONE = 'data: [DONE]\n\n'

/** The whole answer of a request without `stream`. */
export function wholeBody(
  answer: Answer,
  made: Counts & { readonly text: string; readonly tokens: readonly number[]; readonly finish: Finish },
): object {
  const { text, finish } = made
  const promptIds = answer.request.returnTokenIds ? answer.request.generation.prompt : null
  const ids = answer.request.returnTokenIds ? made.tokens : null
  const end = { finish_reason: finish.reason, stop_reason: finish.stop, token_ids: ids }
  const usage = usageOf(answer, made)
  if (answer.surface === 'chat') {
    const message = { role: 'assistant', content: text, refusal: null, tool_calls: [], reasoning: null }
    const choice = { index: 0, message, logprobs: null, ...end }
    return { ...head(answer, false), choices: [choice], usage, prompt_token_ids: promptIds }
  }
  const choice = { index: 0, text, logprobs: null, ...end, prompt_token_ids: promptIds }
  return { ...head(answer, false), choices: [choice], usage }
}

function head(answer: Answer, isChunk: boolean): object {
  const { surface, id, createdSeconds: created, model } = answer
  if (surface === 'completions') return { id, object: 'text_completion', created, model }
  return { id, object: isChunk ? 'chat.completion.chunk' : 'chat.completion', created, model }
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
