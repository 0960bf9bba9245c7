/** Builds the call that every OpenAI-compatible pool takes; a dialect adds its own members. */
import type { Surface } from '../../shared/log/frame.ts'
import { GATEWAY_ONLY_FIELDS } from '../../shared/schema/fields.ts'
import type { PoolRequest, PoolRequestInput } from './adapter.ts'

const PATHS: Readonly<Record<Surface, string>> = {
  chat: 'chat/completions',
  completions: 'completions',
}

/**
 * Both, on vLLM as on llama.cpp: the first alone clashes with the default of the second (400), and without the first
 * llama.cpp repeats the text it was given.
 */
const CONTINUE = { continue_final_message: true, add_generation_prompt: false } as const

export interface OwnMembers {
  readonly streamOptions?: object
  readonly members?: object
  /** How a chat is asked to go on from its last message. */
  readonly continuation?: object
}

/**
 * Serialises the checked fields, with the pool's own name of the model, always as a stream with usage. `own` are the
 * dialect's members; they win over the request's.
 */
export function buildOpenAIRequest(input: PoolRequestInput, own: OwnMembers): PoolRequest {
  const isChatContinuation = input.isContinuation && input.surface === 'chat'
  const fields = Object.entries(input.body).filter(([key]) => !GATEWAY_ONLY_FIELDS.has(key))
  const body = {
    ...Object.fromEntries(fields),
    ...own.members,
    ...(isChatContinuation ? (own.continuation ?? CONTINUE) : {}),
    model: input.servedModel,
    stream: true,
    stream_options: { include_usage: true, ...own.streamOptions },
  }
  return { path: PATHS[input.surface], body: JSON.stringify(body) }
}

/**
 * A body with the older of the two names of a token limit alone, for servers that know only that one or take only one of
 * them. Where both are given they are equal.
 */
export function withOneLimit(body: PoolRequestInput['body']): PoolRequestInput['body'] {
  const { max_completion_tokens: limit, ...rest } = body
  return limit === undefined ? body : { ...rest, max_tokens: limit }
}
