/** Turns a body into what is to be generated, or the refusal that llama-server would answer. */
import { randomInt } from 'node:crypto'
import { isObject } from '../../shared/is-object.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { asList, checkBody, numberOr, type Body } from './body-checks.ts'
import { contextTooLong, invalidRequest, type ServerError } from './errors.ts'
import type { GenerationRequest } from './generate.ts'
import type { SamplingOptions } from './llama.ts'
import type { LoadedModel } from './model.ts'
import { readChatPrompt, readCompletionPrompt, type Prompt } from './prompt.ts'

export type Surface = 'chat' | 'completions'

export interface ReadRequest {
  readonly generation: GenerationRequest
  readonly prompt: Prompt
  readonly stream: boolean
  /** A usage chunk after the finish. */
  readonly includeUsage: boolean
  /** Timings, and with them counts, on every chunk. */
  readonly timingsPerToken: boolean
}

/** llama-server's; OpenAI's temperature would be 1. */
const DEFAULT_SAMPLING = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 }
const SEEDS = 2 ** 32

export function readRequest(
  surface: Surface,
  body: unknown,
  model: LoadedModel,
): Result<ReadRequest, ServerError> {
  if (!isObject(body)) return err(invalidRequest('The body must be a JSON object'))
  const mistake = checkBody(body)
  if (mistake !== undefined) return err(mistake)
  const prompt = surface === 'chat' ? readChatPrompt(body, model) : readCompletionPrompt(body, model)
  if (!prompt.ok) return prompt
  const { tokens } = prompt.value
  const room = model.contextTokens - tokens.length
  if (room < 1) return err(contextTooLong(tokens.length, model.contextTokens))

  const asked = numberOr(body['max_completion_tokens'], numberOr(body['max_tokens'], -1))
  const options = body['stream_options']
  return ok({
    generation: {
      prompt: tokens,
      sampling: readSampling(body),
      // A limit beyond the context is none: the answer ends with the context, by length.
      maxTokens: asked === -1 ? room : Math.min(asked, room),
      stops: asList(body['stop']).filter((stop): stop is string => typeof stop === 'string' && stop !== ''),
    },
    prompt: prompt.value,
    stream: body['stream'] === true,
    includeUsage: isObject(options) && options['include_usage'] === true,
    timingsPerToken: body['timings_per_token'] === true,
  })
}

function readSampling(body: Body): SamplingOptions {
  return {
    temperature: numberOr(body['temperature'], DEFAULT_SAMPLING.temperature),
    topK: numberOr(body['top_k'], DEFAULT_SAMPLING.topK),
    topP: numberOr(body['top_p'], DEFAULT_SAMPLING.topP),
    minP: numberOr(body['min_p'], DEFAULT_SAMPLING.minP),
    seed: readSeed(body['seed']),
    yieldEogToken: true,
  }
}

/** Below zero, as none at all, is another one each time. */
function readSeed(seed: unknown): number {
  return typeof seed === 'number' && seed >= 0 ? seed % SEEDS : randomInt(SEEDS)
}
