/** The dialect of Azure OpenAI: OpenAI's bodies at a deployment's own path, and annotations of a content filter. */
import { CHAT_FIELDS, COMPLETIONS_FIELDS, EMBEDDINGS_FIELDS } from '../../shared/schema/fields.ts'
import type { PoolAdapter, PoolOptions, PoolRequest } from './adapter.ts'
import { buildOpenAIEmbeddings } from './openai-embeddings.ts'
import { readOpenAIError } from './openai-errors.ts'
import { readOpenAIEvent } from './openai-events.ts'
import type { EventDialect } from './openai-events.ts'
import { buildOpenAIRequest } from './openai-request.ts'

/**
 * What the filter found in the prompt (an event of its own, before the answer) and in each piece. That it cut an answer
 * short is told by the reason to finish, `content_filter`, as in OpenAI's API.
 */
const EVENTS: EventDialect = {
  droppedMembers: new Set(['prompt_filter_results']),
  droppedChoiceMembers: new Set([
    'content_filter_results',
    'content_filter_result',
    'content_filter_offsets',
  ]),
}

export const azure: PoolAdapter = {
  dialect: 'azure',
  fields: { chat: CHAT_FIELDS, completions: COMPLETIONS_FIELDS },
  authHeader: 'api-key',
  basePath: '',
  continues: { chat: false, completions: true },
  buildRequest: (input) => atDeployment(buildOpenAIRequest(input, {}), input),
  embeddings: {
    fields: EMBEDDINGS_FIELDS,
    buildRequest: (input) => atDeployment(buildOpenAIEmbeddings(input), input),
  },
  readEvent: (surface, data) => readOpenAIEvent(EVENTS, surface, data),
  readError: readOpenAIError,
}

/** The config's check has seen to it that there is a version, and that the name of the deployment is one segment. */
function atDeployment(
  { path, body }: PoolRequest,
  { servedModel, pool }: { readonly servedModel: string; readonly pool?: PoolOptions },
): PoolRequest {
  const deployment = encodeURIComponent(servedModel)
  const version = encodeURIComponent(pool?.api_version ?? '')
  return { path: `openai/deployments/${deployment}/${path}?api-version=${version}`, body }
}
