/** The dialect of Ollama's OpenAI routes: a subset of OpenAI's fields, the rest of which it passes over in silence. */
import { EMBEDDINGS_FIELDS } from '../../shared/schema/fields.ts'
import type { PoolAdapter, PoolFault } from './adapter.ts'
import { ollamaLoad } from './load/ollama.ts'
import { buildOpenAIEmbeddings } from './openai-embeddings.ts'
import { UNAVAILABLE, readOpenAIError } from './openai-errors.ts'
import { readOpenAIEvent } from './openai-events.ts'
import type { EventDialect } from './openai-events.ts'
import { buildOpenAIRequest, withOneLimit } from './openai-request.ts'

/** What both of Ollama's request structs (`openai/openai.go`) have: what they lack would be ignored, not refused. */
const COMMON_FIELDS: readonly string[] = [
  'model',
  'max_tokens',
  'temperature',
  'top_p',
  'stop',
  'seed',
  'presence_penalty',
  'frequency_penalty',
]

const EVENTS: EventDialect = { droppedMembers: new Set() }

export const ollama: PoolAdapter = {
  dialect: 'ollama',
  fields: {
    chat: new Set([
      ...COMMON_FIELDS,
      'messages',
      'max_completion_tokens',
      'tools',
      'response_format',
      'reasoning_effort',
    ]),
    completions: new Set([...COMMON_FIELDS, 'prompt', 'suffix']),
  },
  // A chat's last message is gone on from under some templates only, and a completion's prompt is put into one, too.
  continues: { chat: false, completions: false },
  buildRequest: (input) => buildOpenAIRequest({ ...input, body: withOneLimit(input.body) }, {}),
  embeddings: {
    fields: EMBEDDINGS_FIELDS,
    buildRequest: (input) => buildOpenAIEmbeddings(input),
  },
  readEvent: (surface, data) => readOpenAIEvent(EVENTS, surface, data),
  readError,
  load: ollamaLoad,
}

/** 499 says that the request was cancelled: where it was not by us, the runner behind it went away. */
function readError(status: number, body: string): PoolFault {
  return status === 499 ? UNAVAILABLE : readOpenAIError(status, body)
}
