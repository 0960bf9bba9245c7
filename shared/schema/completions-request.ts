/** What the body of `POST /v1/completions` may hold, apart from what the limits and the model decide. */
import { z } from 'zod'
import { integerFrom } from './request-checks.ts'
import { GATEWAY_FIELDS, SAMPLING_FIELDS } from './request-fields.ts'

type Prompt = string | readonly number[]

const MAX_TOKEN_ID = 2 ** 31 - 1

/**
 * One prompt. OpenAI takes a list and answers each; here a request is one generation, with one place to run and one
 * log. A list of one, which SDKs send, is that one prompt.
 */
const prompt = z
  .custom<Prompt | readonly [Prompt]>((value) => isPrompt(value) || isListOfOne(value), {
    error:
      'a single prompt that is not empty: a string or an array of token ids (one request for each prompt)',
  })
  .transform((value) => (isListOfOne(value) ? value[0] : value))

export const completionsRequest = z.strictObject({
  ...SAMPLING_FIELDS,
  ...GATEWAY_FIELDS,
  prompt,
  suffix: z.string().nullish(),
  logprobs: integerFrom({ min: 0, max: 5 }).nullish(),
  best_of: z.int().nullish(),
  echo: z.boolean().nullish(),
})

function isPrompt(value: unknown): value is Prompt {
  if (typeof value === 'string') return value.length > 0
  return Array.isArray(value) && value.length > 0 && value.every(isTokenId)
}

function isListOfOne(value: unknown): value is readonly [Prompt] {
  return Array.isArray(value) && value.length === 1 && isPrompt(value[0])
}

function isTokenId(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_TOKEN_ID
}
