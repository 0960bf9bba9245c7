/** The dialect of llama.cpp's `llama-server`: counts come as timings, and malformed JSON as a 500. */
import { CHAT_FIELDS, COMPLETIONS_FIELDS } from '../../shared/schema/fields.ts'
import type { Usage } from '../../shared/log/frame.ts'
import { usageOf } from '../../shared/log/length-cut.ts'
import type { PoolAdapter, PoolFault } from './adapter.ts'
import { llamacppLoad } from './load/llamacpp.ts'
import { REJECTED, readErrorText, readOpenAIError } from './openai-errors.ts'
import { readOpenAIEvent, tokenCount } from './openai-events.ts'
import type { EventDialect } from './openai-events.ts'
import { buildOpenAIEmbeddings } from './openai-embeddings.ts'
import { buildOpenAIRequest } from './openai-request.ts'
import { isObject } from '../../shared/is-object.ts'

/** Sampling parameters of `llama-server` (its README, "POST /completion") that the OpenAI routes take as well. */
const SAMPLING_FIELDS: readonly string[] = [
  'top_k',
  'min_p',
  'typical_p',
  'top_n_sigma',
  'xtc_probability',
  'xtc_threshold',
  'dynatemp_range',
  'dynatemp_exponent',
  'mirostat',
  'mirostat_tau',
  'mirostat_eta',
  'repeat_penalty',
  'repeat_last_n',
  'dry_multiplier',
  'dry_base',
  'dry_allowed_length',
  'dry_penalty_last_n',
  'dry_sequence_breakers',
  'ignore_eos',
  'samplers',
  'grammar',
  'json_schema',
]

const EVENTS: EventDialect = {
  // Measurements and progress of the run that produced the answer.
  droppedMembers: new Set(['timings', 'prompt_progress']),
  completionTokens: ({ timings }) => (isObject(timings) ? tokenCount(timings.predicted_n) : undefined),
  usage: ({ timings }) => (isObject(timings) ? usageOfTimings(timings) : undefined),
}

export const llamacpp: PoolAdapter = {
  dialect: 'llamacpp',
  fields: {
    chat: new Set([...CHAT_FIELDS, ...SAMPLING_FIELDS]),
    completions: new Set([...COMPLETIONS_FIELDS, ...SAMPLING_FIELDS]),
  },
  headersShow: 'place',
  continues: { chat: true, completions: true },
  buildRequest: (input) => buildOpenAIRequest(input, { members: { timings_per_token: true } }),
  // Vectors have the model's own length there.
  embeddings: {
    fields: new Set(['model', 'input']),
    buildRequest: (input) => buildOpenAIEmbeddings(input),
  },
  readEvent: (surface, data) => readOpenAIEvent(EVENTS, surface, data),
  readError,
  load: llamacppLoad,
}

/** It states usage at the end only; its timings have the same counts all along. */
function usageOfTimings(timings: Readonly<Record<string, unknown>>): Usage | undefined {
  const cachedTokens = tokenCount(timings.cache_n)
  const newTokens = tokenCount(timings.prompt_n)
  const completionTokens = tokenCount(timings.predicted_n)
  if (cachedTokens === undefined || newTokens === undefined || completionTokens === undefined)
    return undefined
  return usageOf({ promptTokens: cachedTokens + newTokens, completionTokens, cachedTokens })
}

/** A body it cannot parse gives 500: counted as a pool's failure, one client could open the breaker with it. */
function readError(status: number, body: string): PoolFault {
  if (status === 500 && readErrorText(body).message.startsWith('[json.exception.')) return REJECTED
  return readOpenAIError(status, body)
}
