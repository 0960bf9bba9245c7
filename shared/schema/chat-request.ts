/** What the body of `POST /v1/chat/completions` may hold, apart from what the limits and the model decide. */
import { z } from 'zod'
import { chatMessage } from './chat-message.ts'
import { oneOf } from './request-issue.ts'
import { freeObject, integerFrom, listOf, object } from './request-checks.ts'
import { GATEWAY_FIELDS, SAMPLING_FIELDS } from './request-fields.ts'

const MAX_TOOLS = 128
const MAX_DESCRIPTION_CHARACTERS = 16_384
const MAX_SCHEMA_CHARACTERS = 65_536
const RESPONSE_FORMATS = ['text', 'json_object', 'json_schema'] as const

const nameError = { error: 'a name of 1 to 128 letters, digits and . _ -' }
const name = z.string(nameError).regex(/^[A-Za-z0-9._-]{1,128}$/, nameError)
const description = z
  .string()
  .max(MAX_DESCRIPTION_CHARACTERS, { error: `a string of at most ${MAX_DESCRIPTION_CHARACTERS} characters` })
  .nullish()
const jsonSchema = freeObject(MAX_SCHEMA_CHARACTERS).nullish()

const tool = object({
  type: z.literal('function'),
  function: object({ name, description, parameters: jsonSchema, strict: z.boolean().nullish() }),
})

const toolChoice = z.union(
  [z.enum(['none', 'auto', 'required']), object({ type: z.literal('function'), function: object({ name }) })],
  { error: '"none", "auto", "required" or an object that names a function' },
)

const responseFormat = z.discriminatedUnion(
  'type',
  [
    object({ type: z.literal('text') }),
    object({ type: z.literal('json_object') }),
    object({
      type: z.literal('json_schema'),
      json_schema: object({ name, description, schema: jsonSchema, strict: z.boolean().nullish() }),
    }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? oneOf(RESPONSE_FORMATS) : undefined) },
)

export const chatRequest = z.strictObject({
  ...SAMPLING_FIELDS,
  ...GATEWAY_FIELDS,
  // How many at most, the config says: request.ts looks before any is read.
  messages: listOf(chatMessage, { min: 1, max: Infinity, expected: 'an array of at least one message' }),
  max_completion_tokens: SAMPLING_FIELDS.max_tokens,
  tools: listOf(tool, {
    min: 1,
    max: MAX_TOOLS,
    expected: `an array of 1 to ${MAX_TOOLS} tools; leave it out where there are none`,
  }).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: responseFormat.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: integerFrom({ min: 0, max: 20 }).nullish(),
  // A word, not a list: models differ in the efforts they know, and the pool refuses what its model does not.
  reasoning_effort: z
    .string({ error: 'a word such as "low", "medium" or "high"' })
    .regex(/^[a-z]{1,16}$/, { error: 'a word such as "low", "medium" or "high"' })
    .nullish(),
})
