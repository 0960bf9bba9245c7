/** The dialect of SGLang's OpenAI server: vLLM's, but for its flat errors, its own constraints and how it goes on. */
import { CHAT_FIELDS, COMPLETIONS_FIELDS, EMBEDDINGS_FIELDS } from '../../shared/schema/fields.ts'
import type { PoolAdapter } from './adapter.ts'
import { sglangLoad } from './load/sglang.ts'
import { buildOpenAIEmbeddings } from './openai-embeddings.ts'
import { readCodedFault, readOpenAIError } from './openai-errors.ts'
import { readOpenAIEvent } from './openai-events.ts'
import type { EventDialect } from './openai-events.ts'
import { buildOpenAIRequest } from './openai-request.ts'

/**
 * Fields of both of SGLang's request classes (`srt/entrypoints/openai/protocol.py`) that change the answer and nothing
 * else. Not among them: adapters, ids, ranks, salts, sessions, processors (code), hidden states.
 */
const SAMPLING_FIELDS: readonly string[] = [
  'top_k',
  'min_p',
  'min_tokens',
  'repetition_penalty',
  'stop_token_ids',
  'stop_regex',
  'no_stop_trim',
  'ignore_eos',
  'skip_special_tokens',
  // Constrained output.
  'regex',
  'ebnf',
]

/** `suffix` is ignored by a server that was not started with a template for it. */
const COMPLETIONS_LESS_SUFFIX = [...COMPLETIONS_FIELDS].filter((field) => field !== 'suffix')

const EVENTS: EventDialect = {
  // Where cached tokens lay, and which experts were asked.
  droppedMembers: new Set(['sglext', 'metadata']),
  completionTokens: (_event, usage) => usage?.completionTokens,
  fault: (event) => readCodedFault(event, readOpenAIError),
}

export const sglang: PoolAdapter = {
  dialect: 'sglang',
  fields: {
    chat: new Set([...CHAT_FIELDS, ...SAMPLING_FIELDS, 'separate_reasoning', 'stream_reasoning']),
    completions: new Set([...COMPLETIONS_LESS_SUFFIX, ...SAMPLING_FIELDS, 'json_schema', 'response_format']),
  },
  continues: { chat: true, completions: true },
  buildRequest: (input) =>
    buildOpenAIRequest(input, {
      streamOptions: { continuous_usage_stats: true },
      members: { cache_salt: input.cacheSalt },
      // Without it the beginning of the answer would become a message of the user's.
      continuation: { continue_final_message: true },
    }),
  embeddings: {
    fields: EMBEDDINGS_FIELDS,
    buildRequest: (input) => buildOpenAIEmbeddings(input),
  },
  readEvent: (surface, data) => readOpenAIEvent(EVENTS, surface, data),
  readError: readOpenAIError,
  load: sglangLoad,
}
