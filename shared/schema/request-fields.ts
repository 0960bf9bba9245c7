/**
 * The fields that both generating surfaces share, and how they are checked; bounds without another source are OpenAI's
 * documented ones.
 */
import { z } from 'zod'
import { isObject } from '../is-object.ts'
import { listOf, numberFrom, object, textOf } from './request-checks.ts'

const MAX_STOP_SEQUENCES = 16 // OpenAI takes 4, vLLM any number
const MAX_STOP_CHARACTERS = 256
const MAX_LOGIT_BIAS_ENTRIES = 1024
const MAX_METADATA_ENTRIES = 16
const MAX_METADATA_KEY_CHARACTERS = 64
const MAX_METADATA_VALUE_CHARACTERS = 512
const MAX_LABEL_CHARACTERS = 512
const TOKEN_ID = /^\d{1,10}$/

/** Fields of both surfaces that may reach a pool, with the same meaning and bounds. */
export const SAMPLING_FIELDS = {
  temperature: numberFrom({ min: 0, max: 2 }).nullish(),
  top_p: numberFrom({ min: 0, max: 1 }).nullish(),
  n: z.int({ error: 'a positive integer' }).min(1, { error: 'a positive integer' }).nullish(),
  stop: z
    .union(
      [
        textOf({ min: 1, max: MAX_STOP_CHARACTERS }),
        listOf(textOf({ min: 1, max: MAX_STOP_CHARACTERS }), {
          min: 0,
          max: MAX_STOP_SEQUENCES,
          expected: `an array of at most ${MAX_STOP_SEQUENCES} strings`,
        }),
      ],
      { error: `a string, or an array of at most ${MAX_STOP_SEQUENCES} strings` },
    )
    .nullish(),
  max_tokens: z.int({ error: 'a positive integer' }).min(1, { error: 'a positive integer' }).nullish(),
  presence_penalty: numberFrom({ min: -2, max: 2 }).nullish(),
  frequency_penalty: numberFrom({ min: -2, max: 2 }).nullish(),
  logit_bias: z
    .custom<Record<string, number>>(isLogitBias, {
      error: `an object of at most ${MAX_LOGIT_BIAS_ENTRIES} token ids, each with a number from -100 to 100`,
    })
    .nullish(),
  seed: z.int({ error: 'an integer that a double holds exactly' }).nullish(),
} as const

/** Fields of both surfaces that stay with the gateway. */
export const GATEWAY_FIELDS = {
  stream: z.boolean().nullish(),
  stream_options: object({
    include_usage: z.boolean().nullish(),
    // Padding against traffic analysis: pools do not make it and a replay would repeat it, so it is not sent.
    include_obfuscation: z.boolean().nullish(),
  }).nullish(),
  user: label().nullish(),
  metadata: z
    .custom<Record<string, string>>(isMetadata, {
      error: `an object of at most ${MAX_METADATA_ENTRIES} strings, keys to ${MAX_METADATA_KEY_CHARACTERS} and values to ${MAX_METADATA_VALUE_CHARACTERS} characters long`,
    })
    .nullish(),
  // Accepted because SDKs set it: nothing is stored for the client to list later, whatever it says.
  store: z.boolean().nullish(),
  service_tier: label().nullish(),
  prompt_cache_key: label().nullish(),
  prompt_cache_retention: label().nullish(),
  safety_identifier: label().nullish(),
} as const

function label() {
  return textOf({ min: 0, max: MAX_LABEL_CHARACTERS })
}

function isLogitBias(value: unknown): boolean {
  if (!isObject(value)) return false
  const entries = Object.entries(value)
  return (
    entries.length <= MAX_LOGIT_BIAS_ENTRIES &&
    entries.every(
      ([id, bias]) => TOKEN_ID.test(id) && typeof bias === 'number' && bias >= -100 && bias <= 100,
    )
  )
}

function isMetadata(value: unknown): boolean {
  if (!isObject(value)) return false
  const entries = Object.entries(value)
  return (
    entries.length <= MAX_METADATA_ENTRIES &&
    entries.every(
      ([key, text]) =>
        key.length <= MAX_METADATA_KEY_CHARACTERS &&
        typeof text === 'string' &&
        text.length <= MAX_METADATA_VALUE_CHARACTERS,
    )
  )
}
