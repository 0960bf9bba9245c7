/** The dialect of Hugging Face's text-generation-inference: few fields, strictly typed, and refusals inside the stream. */
import { isObject } from '../../shared/is-object.ts'
import type { PoolAdapter, PoolFault, PoolRequestInput } from './adapter.ts'
import { tgiLoad } from './load/tgi.ts'
import { CONTEXT_LENGTH, REJECTED, SATURATED, UNAVAILABLE, readOpenAIError } from './openai-errors.ts'
import { readOpenAIEvent } from './openai-events.ts'
import type { EventDialect } from './openai-events.ts'
import { NO_EMBEDDINGS } from './openai-embeddings.ts'
import { buildOpenAIRequest, withOneLimit } from './openai-request.ts'

/**
 * What both of TGI's request structs (`router/src/lib.rs`) have and heed. Not among them, though it takes them: `n` and
 * `logit_bias`, which it ignores, `presence_penalty`, which it adds to a repetition penalty of 2, and `response_format`, whose
 * forms are its own.
 */
const COMMON_FIELDS: readonly string[] = [
  'model',
  'temperature',
  'top_p',
  'max_tokens',
  'stop',
  'seed',
  'frequency_penalty',
]

const EVENTS: EventDialect = {
  droppedMembers: new Set(),
  // Completions have its own words, and an empty one on every chunk but the last.
  finishReasons: new Map([
    ['', null],
    ['eos_token', 'stop'],
    ['stop_sequence', 'stop'],
  ]),
  fault: ({ error }) => faultOf(isObject(error) ? error.message : error),
}

/** How its errors begin, all of which a stream tells with 422 (chat) or with no status at all (completions). */
const SENTENCES: readonly (readonly [RegExp, PoolFault])[] = [
  [/^Model is overloaded/, SATURATED],
  [/`inputs` must have less than |`inputs` tokens \+ `max_new_tokens` must be /, CONTEXT_LENGTH],
  [/^(?:Input validation|Template|Tool) error|^Missing template/, REJECTED],
  [/^Request failed during generation|^Incomplete generation/, UNAVAILABLE],
]

export const tgi: PoolAdapter = {
  dialect: 'tgi',
  fields: {
    chat: new Set([
      ...COMMON_FIELDS,
      'messages',
      'max_completion_tokens',
      'logprobs',
      'top_logprobs',
      'tools',
      'tool_choice',
    ]),
    completions: new Set([...COMMON_FIELDS, 'prompt', 'repetition_penalty']),
  },
  // A chat's last message loses the blanks at its end, so that the next token would be another one.
  continues: { chat: false, completions: true },
  buildRequest: (input) => buildOpenAIRequest({ ...input, body: asTyped(input.body) }, {}),
  embeddings: NO_EMBEDDINGS,
  readEvent: (surface, data) => readOpenAIEvent(EVENTS, surface, data),
  readError,
  load: tgiLoad,
}

/** It takes a list where OpenAI takes a text or a list, and a share below one where OpenAI takes "all of it" as well. */
function asTyped(body: PoolRequestInput['body']): PoolRequestInput['body'] {
  const { stop, top_p: topP, ...rest } = withOneLimit(body)
  return {
    ...rest,
    ...(stop === undefined ? {} : { stop: typeof stop === 'string' ? [stop] : stop }),
    ...(topP === undefined || topP === 1 ? {} : { top_p: topP }),
  }
}

function faultOf(message: unknown): PoolFault | undefined {
  if (typeof message !== 'string') return undefined
  return SENTENCES.find(([sentence]) => sentence.test(message))?.[1]
}

/** 424 is a generation that failed, which is no fault of the request. */
function readError(status: number, body: string): PoolFault {
  return status === 424 ? UNAVAILABLE : readOpenAIError(status, body)
}
