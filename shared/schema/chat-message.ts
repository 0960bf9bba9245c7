/**
 * What a chat message may be. Members that servers put into their answers are taken back from clients that append
 * an answer to the conversation as it came.
 */
import { z } from 'zod'
import { oneOf } from './request-issue.ts'
import { listOf, object, textOf, withoutNulls } from './request-checks.ts'

const MAX_TOOL_CALLS = 128
const MAX_NAME_CHARACTERS = 256
const MAX_TOOL_CALL_ID_CHARACTERS = 256
const PART_TYPES = ['text', 'image_url', 'input_audio', 'file', 'refusal'] as const
const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const

/** A URL would make the pool call out, to anywhere, from inside its jurisdiction. */
const dataUrl = z.string().refine((text) => /^data:/i.test(text), {
  error: 'a data: URL (links are not fetched; send the content itself)',
})
/** A search for the first wrong character: matching the whole of a long string would fill the regex stack. */
const base64 = z.string().refine((text) => !/[^A-Za-z0-9+/=]/.test(text), {
  error: 'base64 text',
})
const name = textOf({ min: 1, max: MAX_NAME_CHARACTERS })

const textPart = object({ type: z.literal('text'), text: z.string() })
const imagePart = object({
  type: z.literal('image_url'),
  image_url: object({ url: dataUrl, detail: z.enum(['auto', 'low', 'high']).nullish() }),
})
const audioPart = object({
  type: z.literal('input_audio'),
  input_audio: object({ data: base64, format: z.enum(['wav', 'mp3']) }),
})
const filePart = object({
  type: z.literal('file'),
  file: object({ file_data: dataUrl, filename: name.nullish() }),
})
const refusalPart = object({ type: z.literal('refusal'), refusal: z.string() })

const partError = { error: unknownType(`${oneOf(PART_TYPES)}, as the role allows`) }
const textContent = contentOf(z.discriminatedUnion('type', [textPart], partError))
const userContent = contentOf(
  z.discriminatedUnion('type', [textPart, imagePart, audioPart, filePart], partError),
)
const assistantContent = contentOf(z.discriminatedUnion('type', [textPart, refusalPart], partError))

const functionCall = object({ name, arguments: z.string() })
const toolCall = object({
  id: textOf({ min: 1, max: MAX_TOOL_CALL_ID_CHARACTERS }),
  type: z.literal('function'),
  function: functionCall,
})

const assistantMessage = z
  .strictObject({
    role: z.literal('assistant'),
    content: assistantContent.nullish(),
    name: name.nullish(),
    tool_calls: listOf(toolCall, {
      min: 0,
      max: MAX_TOOL_CALLS,
      expected: `an array of at most ${MAX_TOOL_CALLS} tool calls`,
    }).nullish(),
    function_call: functionCall.nullish(),
    refusal: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    reasoning: z.string().nullish(),
    // Answers carry these two; no pool reads them back.
    annotations: z.array(z.unknown()).nullish(),
    audio: z.null({ error: 'null (spoken answers are not served)' }).optional(),
  })
  .transform(({ annotations: _annotations, tool_calls: toolCalls, ...rest }) => {
    // An empty list means the same as none, and servers do answer with one.
    return withoutNulls({ ...rest, tool_calls: toolCalls?.length === 0 ? null : toolCalls })
  })
  .refine((message) => SAYS_SOMETHING.some((member) => message[member] !== undefined), {
    path: ['content'],
    error: 'given in an assistant message without tool calls',
  })
const SAYS_SOMETHING = ['content', 'tool_calls', 'function_call', 'refusal'] as const

/** One message of a conversation, in any role; null members are gone from the result. */
export const chatMessage = z.discriminatedUnion(
  'role',
  [
    object({ role: z.literal('system'), content: textContent, name: name.nullish() }),
    object({ role: z.literal('developer'), content: textContent, name: name.nullish() }),
    object({ role: z.literal('user'), content: userContent, name: name.nullish() }),
    assistantMessage,
    object({
      role: z.literal('tool'),
      content: textContent,
      tool_call_id: textOf({ min: 1, max: MAX_TOOL_CALL_ID_CHARACTERS }),
      name: name.nullish(),
    }),
    object({ role: z.literal('function'), content: textContent, name }),
  ],
  { error: unknownType(oneOf(ROLES)) },
)

function contentOf<Part extends z.ZodType>(part: Part) {
  const expected = 'a string or an array of at least one content part'
  return z.union([z.string(), listOf(part, { min: 1, max: Infinity, expected })], { error: expected })
}

/** The phrase where the discriminator is not one of ours; other mistakes keep their own. */
function unknownType(expected: string): (issue: z.core.$ZodRawIssue) => string | undefined {
  return (issue) => (issue.code === 'invalid_union' ? expected : undefined)
}
