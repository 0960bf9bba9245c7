/** Checks the fields of a request body: the types of those that are known, and that nothing is asked which is not done. */
import { isObject } from '../../shared/is-object.ts'
import { invalidRequest, wrongType, type ServerError } from './errors.ts'

export type Body = Readonly<Record<string, unknown>>

interface Check {
  readonly expected: string
  holds(value: unknown): boolean
}

const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value)
const isNeutral = (neutral: number) => (value: unknown) => value === neutral
const isEmpty = (value: unknown) =>
  Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0

const flag: Check = { expected: 'boolean', holds: (value) => typeof value === 'boolean' }
const fromZero: Check = { expected: 'number', holds: (value) => typeof value === 'number' && value >= 0 }
const wholeNumber: Check = { expected: 'number, a whole one', holds: isWhole }
/** −1 is llama.cpp's word for no limit. */
const limit: Check = {
  expected: 'number, from 1, or -1',
  holds: (value) => isWhole(value) && (value >= 1 || value === -1),
}

const FIELDS: Readonly<Record<string, Check>> = {
  stream: flag,
  stream_options: { expected: 'object', holds: isObject },
  timings_per_token: flag,
  temperature: fromZero,
  top_p: fromZero,
  min_p: fromZero,
  top_k: wholeNumber,
  seed: wholeNumber,
  max_tokens: limit,
  max_completion_tokens: limit,
  stop: {
    expected: 'string, or array of strings',
    holds: (value) => asList(value).every((stop) => typeof stop === 'string'),
  },
  continue_final_message: flag,
  add_generation_prompt: flag,
}

/** What llama-server does and this server does not, with the values that ask for nothing. Ignored, it would look done. */
const NOT_DONE: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: isNeutral(1),
  best_of: isNeutral(1),
  suffix: (value) => value === '',
  logprobs: (value) => value === false || value === 0,
  top_logprobs: isNeutral(0),
  n_probs: isNeutral(0),
  logit_bias: isEmpty,
  tools: isEmpty,
  response_format: (value) => isObject(value) && value['type'] === 'text',
  grammar: (value) => value === '',
  json_schema: isEmpty,
  ignore_eos: (value) => value === false,
  presence_penalty: isNeutral(0),
  frequency_penalty: isNeutral(0),
  repeat_penalty: isNeutral(1),
  typical_p: isNeutral(1),
  top_n_sigma: isNeutral(-1),
  xtc_probability: isNeutral(0),
  dynatemp_range: isNeutral(0),
  mirostat: isNeutral(0),
  dry_multiplier: isNeutral(0),
  samplers: () => false,
}

/** Undefined when every known field that is present, and not null, is right. */
export function checkBody(body: Body): ServerError | undefined {
  for (const [name, check] of Object.entries(FIELDS)) {
    if (isGiven(body[name]) && !check.holds(body[name])) return wrongType(name, check.expected)
  }
  for (const [name, asksNothing] of Object.entries(NOT_DONE)) {
    if (isGiven(body[name]) && !asksNothing(body[name])) {
      return invalidRequest(`This server does not do ${name} with this value; leave it out.`)
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

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
