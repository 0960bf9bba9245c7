/** Checks the fields of a request body, one table per surface; what is not in a table is ignored, as vLLM does. */
import { badRequest, type EngineError } from './errors.ts'
import { isObject } from '../../../shared/is-object.ts'

export type Body = Readonly<Record<string, unknown>>

interface Check {
  readonly expected: string
  holds(value: unknown): boolean
}

/** What the fields of one surface must be, and which of them must have the value that changes nothing. */
export interface Checks {
  readonly fields: Readonly<Record<string, Check>>
  /** What real engines can do and this one cannot: refused, because an ignored field would look like support. */
  readonly notSimulated: Readonly<Record<string, (value: unknown) => boolean>>
}

const anyNumber: Check = { expected: 'a number', holds: (value) => typeof value === 'number' }
const flag: Check = { expected: 'true or false', holds: (value) => typeof value === 'boolean' }
const record: Check = { expected: 'an object', holds: isObject }
const text: Check = { expected: 'a string', holds: (value) => typeof value === 'string' }
const wholeNumber = (minimum: number, maximum = Infinity): Check => ({
  expected:
    maximum === Infinity
      ? `a whole number of at least ${minimum}`
      : `a whole number from ${minimum} to ${maximum}`,
  holds: (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum,
})

/** vLLM's default for `--max-logprobs`. */
const MAX_LOGPROBS = 20
const MAX_CHOICES = 8

const GENERATING: Checks = {
  fields: {
    model: text,
    stream: flag,
    stream_options: record,
    n: wholeNumber(1, MAX_CHOICES),
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
    stop: {
      expected: 'a string or an array of strings, none of them empty',
      holds: (value) => asList(value).every((stop) => typeof stop === 'string' && stop !== ''),
    },
    cache_salt: {
      expected: 'a non-empty string if provided',
      holds: (value) => typeof value === 'string' && value !== '',
    },
    response_format: record,
  },
  notSimulated: {
    best_of: (value) => value === 1,
    prompt_logprobs: () => false,
    echo: (value) => value === false,
    suffix: (value) => value === '',
    use_beam_search: (value) => value === false,
    include_stop_str_in_output: (value) => value === false,
    stop_token_ids: (value) => asList(value).length === 0,
    structured_outputs: () => false,
  },
}

export const CHAT_CHECKS: Checks = {
  fields: {
    ...GENERATING.fields,
    logprobs: flag,
    top_logprobs: wholeNumber(0, MAX_LOGPROBS),
    add_generation_prompt: flag,
    continue_final_message: flag,
    tools: { expected: 'an array', holds: (value) => Array.isArray(value) },
  },
  notSimulated: GENERATING.notSimulated,
}

export const COMPLETIONS_CHECKS: Checks = {
  fields: { ...GENERATING.fields, logprobs: wholeNumber(0, MAX_LOGPROBS) },
  notSimulated: GENERATING.notSimulated,
}

/** A longer vector than most models have, and short enough to be read in a test's output. */
export const MAX_DIMENSIONS = 1024

export const EMBEDDINGS_CHECKS: Checks = {
  fields: {
    model: text,
    dimensions: wholeNumber(1, MAX_DIMENSIONS),
    encoding_format: {
      expected: '"float" or "base64"',
      holds: (value) => value === 'float' || value === 'base64',
    },
  },
  notSimulated: { truncate_prompt_tokens: () => false, messages: () => false },
}

/** Undefined when every known field that is present, and not null, is right. */
export function checkBody(body: Body, { fields, notSimulated }: Checks): EngineError | undefined {
  for (const [name, check] of Object.entries(fields)) {
    const value = body[name]
    if (value !== undefined && value !== null && !check.holds(value)) {
      return badRequest(`${name} must be ${check.expected}.`, name)
    }
  }
  for (const [name, isHarmless] of Object.entries(notSimulated)) {
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
