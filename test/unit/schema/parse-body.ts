/** Ways to parse a body in a test, with small limits and pools that take OpenAI's fields and the extra ones given. */
import { CHAT_FIELDS, COMPLETIONS_FIELDS } from '../../../shared/schema/fields.ts'
import { parseRequest } from '../../../shared/schema/request.ts'
import type { Surface } from '../../../shared/log/frame.ts'

export const limits = { max_messages: 4, max_output_tokens: 1000, max_choices: 3 }
export const fieldsOf = { chat: CHAT_FIELDS, completions: COMPLETIONS_FIELDS }

export function parse(surface: Surface, value: unknown, extraFields: readonly string[] = []) {
  const accepts = (field: string) => fieldsOf[surface].has(field) || extraFields.includes(field)
  return parseRequest(surface, value, { limits, accepts })
}

export const hello = { role: 'user', content: 'Hello' }
export const chat = (fields: object) => parse('chat', { model: 'm', messages: [hello], ...fields })
export const message = (value: unknown) => parse('chat', { model: 'm', messages: [value] })
export const completion = (fields: object) => parse('completions', { model: 'm', prompt: 'Once', ...fields })

export function bodyOf(result: ReturnType<typeof parse>) {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value.body
}

export function errorOf(result: ReturnType<typeof parse>) {
  if (result.ok) throw new Error('was accepted')
  return result.error
}

export function invalid(param: string, expected: string) {
  return { reason: 'invalid_parameter', param, expected }
}
