/**
 * Which top-level body fields OpenAI's surfaces have, which of them stay with the gateway, and which of them say
 * nothing about the answer. Dialects add their own fields to these lists.
 */

/** The fields of `POST /v1/chat/completions` that may reach a pool; how they are checked is in chat-request.ts. */
export const CHAT_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'temperature',
  'top_p',
  'n',
  'stop',
  'max_tokens',
  'max_completion_tokens',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'seed',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'logprobs',
  'top_logprobs',
  'reasoning_effort',
])

/** The fields of `POST /v1/completions` that may reach a pool; how they are checked is in completions-request.ts. */
export const COMPLETIONS_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'prompt',
  'suffix',
  'temperature',
  'top_p',
  'n',
  'stop',
  'max_tokens',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'seed',
  'logprobs',
])

/** The fields of `POST /v1/embeddings` that may reach a pool; how they are checked is in embeddings-request.ts. */
export const EMBEDDINGS_FIELDS: ReadonlySet<string> = new Set(['model', 'input', 'dimensions'])

/** The rest of them: how the answer is written is decided here, and who the users are is no business of a pool. */
export const EMBEDDINGS_GATEWAY_FIELDS: ReadonlySet<string> = new Set(['encoding_format', 'user'])

/**
 * Fields that are accepted from every client and never forwarded. `stream` and `stream_options` are ours to set:
 * pools always stream, with usage. The others name or describe the end user, ask the pool to keep something or
 * concern its billing; who the users are is no business of a pool, and nothing is kept for the client.
 */
export const GATEWAY_ONLY_FIELDS: ReadonlySet<string> = new Set([
  'stream',
  'stream_options',
  'user',
  'metadata',
  'store',
  'service_tier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
])

/**
 * Fields that do not enter a request's digest: the gateway's own, and the token limits, which cut an answer short
 * but do not change its text, so that one log can serve several limits.
 */
export const OUT_OF_FINGERPRINT_FIELDS: ReadonlySet<string> = new Set([
  ...GATEWAY_ONLY_FIELDS,
  'max_tokens',
  'max_completion_tokens',
])

/**
 * OpenAI's fields that are not served, or (`best_of`, `echo`) only with the value that changes nothing. Listed so
 * that an error can name them: a name that is in none of our lists is never repeated to anyone.
 */
export const UNSERVED_FIELDS: ReadonlySet<string> = new Set([
  'audio',
  'best_of',
  'echo',
  'function_call',
  'functions',
  'modalities',
  'moderation',
  'prediction',
  'verbosity',
  'web_search_options',
])
