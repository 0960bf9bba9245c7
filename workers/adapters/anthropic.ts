/** The dialect of Anthropic's Messages API: chats only, asked for and answered in a form that is not OpenAI's. */
import type { PoolAdapter, PoolFault } from './adapter.ts'
import { startReadingMessages } from './anthropic-events.ts'
import { buildMessagesRequest } from './anthropic-request.ts'
import { NO_EMBEDDINGS } from './openai-embeddings.ts'
import { CONTEXT_LENGTH, MISCONFIGURED, readErrorText, readOpenAIError } from './openai-errors.ts'

/** Those of OpenAI's fields that have a counterpart; `top_k` is its own. */
const CHAT_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'top_k',
  'stop',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
])

/** The statuses that the types of its errors have outside of a stream. */
const STATUSES: ReadonlyMap<unknown, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
])

const startReading = () => startReadingMessages(faultOf)

export const anthropic: PoolAdapter = {
  dialect: 'anthropic',
  fields: { chat: CHAT_FIELDS, completions: new Set() },
  authHeader: 'x-api-key',
  headers: { 'anthropic-version': '2023-06-01' },
  // Models since Opus 4.6 refuse a last message that is the model's; older ones one that ends in a blank.
  continues: { chat: false, completions: false },
  buildRequest: buildMessagesRequest,
  embeddings: NO_EMBEDDINGS,
  readEvent: (surface, data, name) => startReading()(surface, data, name),
  startReading,
  readError,
}

function readError(status: number, body: string): PoolFault {
  const { message } = readErrorText(body)
  // An account without money stays so until somebody pays, and it says so with a 400.
  if (status === 402 || (status === 400 && message.includes('credit balance is too low')))
    return MISCONFIGURED
  if (status === 400 && message.includes('exceed context limit')) return CONTEXT_LENGTH
  return readOpenAIError(status, body)
}

function faultOf(type: unknown, data: string): PoolFault | undefined {
  const status = STATUSES.get(type)
  return status === undefined ? undefined : readError(status, data)
}
