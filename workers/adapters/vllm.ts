/** The dialect of vLLM's OpenAI server: running token counts on each chunk and a salt for its prefix cache. */
import { CHAT_FIELDS, COMPLETIONS_FIELDS, EMBEDDINGS_FIELDS } from '../../shared/schema/fields.ts'
import type { PoolAdapter } from './adapter.ts'
import { vllmLoad } from './load/vllm.ts'
import { readOpenAIError } from './openai-errors.ts'
import { readOpenAIEvent } from './openai-events.ts'
import type { EventDialect } from './openai-events.ts'
import { buildOpenAIEmbeddings } from './openai-embeddings.ts'
import { buildOpenAIRequest } from './openai-request.ts'

/**
 * Fields of both of vLLM's request classes (`vllm/entrypoints/openai/protocol.py`) that change the answer and nothing
 * else. Not among them: templates, KV transfer, priorities, ids, logits processors (code).
 */
const SAMPLING_FIELDS: readonly string[] = [
  'top_k',
  'min_p',
  'repetition_penalty',
  'min_tokens',
  'ignore_eos',
  'stop_token_ids',
  'include_stop_str_in_output',
  'skip_special_tokens',
  'spaces_between_special_tokens',
  'allowed_token_ids',
  // Constrained output: `guided_*` up to 0.11, `structured_outputs` from 0.10.2 on.
  'guided_json',
  'guided_regex',
  'guided_choice',
  'guided_grammar',
  'structured_outputs',
]

const EVENTS: EventDialect = {
  // Measurements of the run that produced the answer, and handles of its memory.
  droppedMembers: new Set(['metrics', 'kv_transfer_params']),
  completionTokens: (_event, usage) => usage?.completionTokens,
}

export const vllm: PoolAdapter = {
  dialect: 'vllm',
  fields: {
    chat: new Set([...CHAT_FIELDS, ...SAMPLING_FIELDS, 'bad_words', 'include_reasoning']),
    completions: new Set([...COMPLETIONS_FIELDS, ...SAMPLING_FIELDS, 'response_format']),
  },
  headersShow: 'arrival',
  continues: { chat: true, completions: true },
  buildRequest: (input) =>
    buildOpenAIRequest(input, {
      streamOptions: { continuous_usage_stats: true },
      members: { cache_salt: input.cacheSalt },
    }),
  embeddings: {
    fields: EMBEDDINGS_FIELDS,
    buildRequest: (input) => buildOpenAIEmbeddings(input, { cache_salt: input.cacheSalt }),
  },
  readEvent: (surface, data) => readOpenAIEvent(EVENTS, surface, data),
  readError: readOpenAIError,
  load: vllmLoad,
}
