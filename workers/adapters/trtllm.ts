/** The dialect of TensorRT-LLM's `trtllm-serve`, which refuses a whole request for one field that it does not know. */
import { CHAT_FIELDS, COMPLETIONS_FIELDS, EMBEDDINGS_FIELDS } from '../../shared/schema/fields.ts'
import type { PoolAdapter, PoolFault, PoolRequestInput } from './adapter.ts'
import { trtllmLoad } from './load/trtllm.ts'
import { buildOpenAIEmbeddings } from './openai-embeddings.ts'
import { CONTEXT_LENGTH, readCodedFault, readErrorText, readOpenAIError } from './openai-errors.ts'
import { readOpenAIEvent } from './openai-events.ts'
import type { EventDialect } from './openai-events.ts'
import { buildOpenAIRequest, withOneLimit } from './openai-request.ts'

/**
 * Fields of both of its request classes (`tensorrt_llm/serve/openai_protocol.py`) that change the answer and nothing else.
 * Not among them: beams, which cannot stream, what cuts the prompt, tensors out, and all that names engines, workers or turns.
 */
const SAMPLING_FIELDS: readonly string[] = [
  'top_k',
  'top_p_min',
  'min_p',
  'min_tokens',
  'repetition_penalty',
  'stop_token_ids',
  'include_stop_str_in_output',
  'ignore_eos',
  'skip_special_tokens',
  'spaces_between_special_tokens',
]

/** It has `suffix`, to say that it is not supported. */
const COMPLETIONS_LESS_SUFFIX = [...COMPLETIONS_FIELDS].filter((field) => field !== 'suffix')

const EVENTS: EventDialect = {
  droppedMembers: new Set(['prompt_token_ids']),
  // Measurements of speculative decoding, and handles for the other half of a split pool.
  droppedChoiceMembers: new Set(['avg_decoded_tokens_per_iter', 'disaggregated_params', 'token_ids']),
  completionTokens: (_event, usage) => usage?.completionTokens,
  fault: (event) => readCodedFault(event, readError),
}

/** What it says of a prompt that does not fit (`llmapi/llm.py`, `executor/base_worker.py`). */
const CONTEXT_SENTENCE =
  /should not exceed max_(?:num_tokens|seq_len|input_len)|`default_max_tokens` \(-?\d+\) must be greater/

export const trtllm: PoolAdapter = {
  dialect: 'trtllm',
  fields: {
    chat: new Set([...CHAT_FIELDS, ...SAMPLING_FIELDS]),
    completions: new Set([...COMPLETIONS_LESS_SUFFIX, ...SAMPLING_FIELDS, 'response_format']),
  },
  // It has no flag by which a chat would go on from its last message.
  continues: { chat: false, completions: true },
  buildRequest: (input) =>
    buildOpenAIRequest(
      { ...input, body: asKnown(input.body) },
      {
        streamOptions: { continuous_usage_stats: true },
        // Its completions know no salt, and would be refused for one.
        ...(input.surface === 'chat' ? { members: { cache_salt: input.cacheSalt } } : {}),
      },
    ),
  embeddings: {
    fields: EMBEDDINGS_FIELDS,
    buildRequest: (input) => buildOpenAIEmbeddings(input),
  },
  readEvent: (surface, data) => readOpenAIEvent(EVENTS, surface, data),
  readError,
  load: trtllmLoad,
}

/** Of the two names of a limit it takes one. Tools without a choice are a choice of none there, and of any in OpenAI's API. */
function asKnown(body: PoolRequestInput['body']): PoolRequestInput['body'] {
  const known = withOneLimit(body)
  return known.tools === undefined || known.tool_choice !== undefined
    ? known
    : { ...known, tool_choice: 'auto' }
}

function readError(status: number, body: string): PoolFault {
  if (status === 400 && CONTEXT_SENTENCE.test(readErrorText(body).message)) return CONTEXT_LENGTH
  return readOpenAIError(status, body)
}
