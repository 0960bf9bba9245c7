/** The bodies and chunks of answers, member for member as llama-server v0.5.0 writes them. */
import type { Counts, Step } from './generate.ts'
import type { ReadRequest, Surface } from './read-request.ts'

export interface Answer {
  readonly surface: Surface
  readonly id: string
  readonly createdSeconds: number
  readonly model: string
  readonly request: ReadRequest
}

export const DONE = 'data: [DONE]\n\n'

/** The chat's first chunk, before the first token's. Completions have none. */
export function roleChunk(answer: Answer): string {
  if (answer.surface === 'completions') return ''
  const delta = { role: 'assistant', content: null }
  return event(answer, [{ finish_reason: null, index: 0, delta }], {})
}

/** Text of the answer; nothing for no text. Counts only for a token's chunk. */
export function textChunk(answer: Answer, text: string, counts?: Counts): string {
  if (text === '') return ''
  const choice =
    answer.surface === 'chat'
      ? { finish_reason: null, index: 0, delta: { content: text } }
      : { text, index: 0, logprobs: null, finish_reason: null }
  const isTimed = counts !== undefined && answer.request.timingsPerToken
  return event(answer, [choice], isTimed ? { timings: timingsOf(counts) } : {})
}

/** The finish, the usage if it is asked for, and the end. The last of the two chunks has the timings in any case. */
export function finishChunks(answer: Answer, { finish, counts }: Step): string {
  const { includeUsage, timingsPerToken } = answer.request
  const choice =
    answer.surface === 'chat'
      ? { finish_reason: finish, index: 0, delta: {} }
      : { text: '', index: 0, logprobs: null, finish_reason: finish }
  const timings = { timings: timingsOf(counts) }
  const end = event(answer, [choice], !includeUsage || timingsPerToken ? timings : {})
  return end + (includeUsage ? event(answer, [], { usage: usageOf(counts), ...timings }) : '') + DONE
}

/** The whole answer of a request without `stream`. It repeats the beginning that the request gave. */
export function wholeBody(answer: Answer, text: string, { finish, counts }: Step): object {
  const { surface, id, createdSeconds: created, model, request } = answer
  const content = request.prompt.begun + text
  const choice =
    surface === 'chat'
      ? { finish_reason: finish, index: 0, message: { role: 'assistant', content } }
      : { text, index: 0, logprobs: null, finish_reason: finish }
  const object = surface === 'chat' ? 'chat.completion' : 'text_completion'
  const head = { choices: [choice], created, model, system_fingerprint: SYSTEM_FINGERPRINT, object }
  return { ...head, usage: usageOf(counts), id, timings: timingsOf(counts) }
}

/** What llama.cpp calls a build without a number. */
const SYSTEM_FINGERPRINT = 'b0-unknown'

function event(answer: Answer, choices: readonly object[], counts: object): string {
  const { surface, id, createdSeconds: created, model } = answer
  const object = surface === 'chat' ? 'chat.completion.chunk' : 'text_completion'
  const head = { choices, created, id, model, system_fingerprint: SYSTEM_FINGERPRINT, object }
  return `data: ${JSON.stringify({ ...head, ...counts })}\n\n`
}

function usageOf({ promptTokens, cachedTokens, completionTokens }: Counts): object {
  return {
    completion_tokens: completionTokens,
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  }
}

function timingsOf(counts: Counts): object {
  const { promptTokens, cachedTokens, completionTokens, promptMs, completionMs } = counts
  const newTokens = promptTokens - cachedTokens
  return {
    cache_n: cachedTokens,
    prompt_n: newTokens,
    prompt_ms: rounded(promptMs),
    prompt_per_token_ms: rounded(promptMs / newTokens),
    prompt_per_second: rounded((newTokens / promptMs) * 1000),
    predicted_n: completionTokens,
    predicted_ms: rounded(completionMs),
    predicted_per_token_ms: rounded(completionMs / completionTokens),
    predicted_per_second: rounded((completionTokens / completionMs) * 1000),
  }
}

/** To the microsecond; 0 for what a time of 0 would make infinite, which JSON cannot say. */
function rounded(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : 0
}
