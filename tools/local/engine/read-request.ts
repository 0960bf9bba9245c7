/** Turns a body into a generation request, or the error that vLLM would answer. */
import { err, ok, type Result } from '../../../shared/result.ts'
import {
  asList,
  CHAT_CHECKS,
  checkBody,
  COMPLETIONS_CHECKS,
  numberOr,
  type Body,
  type Checks,
} from './body-checks.ts'
import { badRequest, contextTooLong, noSuchModel, type EngineError } from './errors.ts'
import type { GenerationRequest } from './generation-request.ts'
import type { EngineSettings } from './options.ts'
import { readChatPrompt, readCompletionPrompt } from './prompt.ts'
import { readOutputForm } from './read-output-form.ts'
import { isObject } from '../../../shared/is-object.ts'

export type Surface = 'chat' | 'completions'

export interface ReadRequest {
  readonly generation: GenerationRequest
  readonly stream: boolean
  /** A usage chunk after the finish. */
  readonly includeUsage: boolean
  /** Usage on every chunk. */
  readonly continuousUsage: boolean
  readonly returnTokenIds: boolean
  /** How many of the likeliest tokens stand beside each; undefined without log probabilities. */
  readonly logprobs: number | undefined
  /** The function that is called with the text. */
  readonly call: string | undefined
}

/** vLLM's, and OpenAI's, for the completions surface; chat may fill the context. */
const DEFAULT_COMPLETION_TOKENS = 16
const CHECKS: Readonly<Record<Surface, Checks>> = { chat: CHAT_CHECKS, completions: COMPLETIONS_CHECKS }

export function readRequest(
  surface: Surface,
  body: unknown,
  settings: EngineSettings,
): Result<ReadRequest, EngineError> {
  if (!isObject(body)) return err(badRequest('The body must be a JSON object.'))
  const mistake = checkBody(body, CHECKS[surface]) ?? noSuchModel(body['model'], settings)
  if (mistake !== undefined) return err(mistake)
  const stream = body['stream'] === true
  const streamOptions = body['stream_options']
  if (isObject(streamOptions) && !stream) {
    return err(badRequest('Stream options can only be defined when `stream=True`.', 'stream_options'))
  }
  const prompt = surface === 'chat' ? readChatPrompt(body) : readCompletionPrompt(body)
  if (!prompt.ok) return prompt
  const form = readOutputForm(surface === 'chat' ? body : { response_format: body['response_format'] })
  if (!form.ok) return form
  const logprobs = surface === 'chat' ? readChatLogprobs(body) : ok(numberOr(body['logprobs'], undefined))
  if (!logprobs.ok) return logprobs

  const room = settings.maxModelLen - prompt.value.length
  const asked = numberOr(body['max_completion_tokens'], numberOr(body['max_tokens'], undefined))
  const byDefault = surface === 'chat' ? room : Math.min(DEFAULT_COMPLETION_TOKENS, room)
  const maxTokens = asked ?? Math.max(1, byDefault)
  if (maxTokens > room) {
    const { maxModelLen } = settings
    return err(contextTooLong({ maxModelLen, promptTokens: prompt.value.length, outputTokens: maxTokens }))
  }
  const minTokens = numberOr(body['min_tokens'], 0)
  if (minTokens > maxTokens) {
    return err(badRequest('min_tokens must be at most max_tokens.', 'min_tokens'))
  }
  const salt = body['cache_salt']
  return ok({
    generation: {
      prompt: prompt.value,
      cacheSalt: typeof salt === 'string' ? salt : undefined,
      choices: numberOr(body['n'], 1),
      maxTokens,
      minTokens,
      temperature: numberOr(body['temperature'], 1),
      seed: numberOr(body['seed'], undefined),
      stops: asList(body['stop']).filter((stop) => typeof stop === 'string'),
      ignoreEos: body['ignore_eos'] === true,
      grammar: form.value.grammar,
    },
    stream,
    includeUsage: isObject(streamOptions) && streamOptions['include_usage'] === true,
    continuousUsage: isObject(streamOptions) && streamOptions['continuous_usage_stats'] === true,
    returnTokenIds: body['return_token_ids'] === true,
    logprobs: logprobs.value,
    call: form.value.call,
  })
}

/** A chat asks for them with a flag, and for how many apart from it. */
function readChatLogprobs(body: Body): Result<number | undefined, EngineError> {
  const count = numberOr(body['top_logprobs'], 0)
  if (body['logprobs'] === true) return ok(count)
  if (count === 0) return ok(undefined)
  return err(badRequest('when using `top_logprobs`, `logprobs` must be set to true.', 'top_logprobs'))
}
