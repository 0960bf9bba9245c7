/** Checks the fields of a request body, one table per surface; what is not in a table is ignored, as vLLM does. */
import { badRequest, type EngineError } from './errors.ts'
import { isObject } from '../../../shared/is-object.ts'

export type Body = Readonly<Record<string, unknown>>

interface Check {
  readonly expected: string
  holds(value: unknown): boolean
}

const anyNumber: Check = { expected: 'a number', holds: (value) => typeof value === 'number' }
const flag: Check = { expected: 'true or false', holds: (value) => typeof value === 'boolean' }
const record: Check = { expected: 'an object', holds: isObject }
const wholeNumber = (minimum: number): Check => ({
  expected: `a whole number of at least ${minimum}`,
  holds: (value) => typeof value === 'number' && Number.isInteger(value) && value >= minimum,
})

const CHECKS: Readonly<Record<string, Check>> = {
  model: { expected: 'a string', holds: (value) => typeof value === 'string' },
  stream: flag,
  stream_options: record,
  temperature: { expected: 'a number from 0', holds: (value) => typeof value === 'number' && value >= 0 },
  top_p: anyNumber,
  presence_penalty: anyNumber,
  frequency_penalty: anyNumber,
  seed: wholeNumber(Number.MIN_SAFE_INTEGER),
  max_tokens: wholeNumber(1),
  max_completion_tokens: wholeNumber(1),
  min_tokens: wholeNumber(0),
  ignore_eos: flag,
  return_token_ids: flag,
  add_generation_prompt: flag,
  continue_final_message: flag,
  stop: {
    expected: 'a string or an array of strings, none of them empty',
    holds: (value) => asList(value).every((stop) => typeof stop === 'string' && stop !== ''),
  },
  cache_salt: {
    expected: 'a non-empty string if provided',
    holds: (value) => typeof value === 'string' && value !== '',
  },
  tools: { expected: 'an array', holds: (value) => Array.isArray(value) },
}

/** What real engines can do and this one cannot: refused, because an ignored field would look like support. */
const NOT_SIMULATED: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value === 1,
  best_of: (value) => value === 1,
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  prompt_logprobs: () => false,
  echo: (value) => value === false,
  suffix: (value) => value === '',
  use_beam_search: (value) => value === false,
  include_stop_str_in_output: (value) => value === false,
  stop_token_ids: (value) => asList(value).length === 0,
  response_format: (value) => isObject(value) && value['type'] === 'text',
  structured_outputs: () => false,
}

/** Undefined when every known field that is present, and not null, is right. */
export function checkBody(body: Body): EngineError | undefined {
  for (const [name, check] of Object.entries(CHECKS)) {
    const value = body[name]
    if (value !== undefined && value !== null && !check.holds(value)) {
      return badRequest(`${name} must be ${check.expected}.`, name)
    }
  }
  for (const [name, isHarmless] of Object.entries(NOT_SIMULATED)) {
    const value = body[name]
    if (value !== undefined && value !== null && !isHarmless(value)) {
      return badRequest(`The simulated engine does not do ${name} with this value; leave it out.`, name)
    }
  }
  return undefined
}

/** An array as it is, anything else as the only member of one. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

export function numberOr<T>(value: unknown, otherwise: T): number | T {
  return typeof value === 'number' ? value : otherwise
}
