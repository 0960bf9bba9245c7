/** The dialect of any server that speaks OpenAI's API and is not known to do more. */
import { CHAT_FIELDS, COMPLETIONS_FIELDS, EMBEDDINGS_FIELDS } from '../../shared/schema/fields.ts'
import type { PoolAdapter } from './adapter.ts'
import { readOpenAIError } from './openai-errors.ts'
import { readOpenAIEvent } from './openai-events.ts'
import type { EventDialect } from './openai-events.ts'
import { buildOpenAIEmbeddings } from './openai-embeddings.ts'
import { buildOpenAIRequest } from './openai-request.ts'

/** No running counts: the only usage is that of the last chunk. */
const EVENTS: EventDialect = { droppedMembers: new Set() }

export const openai: PoolAdapter = {
  dialect: 'openai',
  fields: { chat: CHAT_FIELDS, completions: COMPLETIONS_FIELDS },
  // A prompt that ends with the text so far is a prompt like any other; a chat has no standard way to go on.
  continues: { chat: false, completions: true },
  buildRequest: (input) => buildOpenAIRequest(input, {}),
  embeddings: {
    fields: EMBEDDINGS_FIELDS,
    buildRequest: (input) => buildOpenAIEmbeddings(input),
  },
  readEvent: (surface, data) => readOpenAIEvent(EVENTS, surface, data),
  readError: readOpenAIError,
}
