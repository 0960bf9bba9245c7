/** Reads the prompt of a body: messages through the chat template, or a text, or token ids. */
import { err, ok, type Result } from '../../../shared/result.ts'
import { asList, type Body } from './body-checks.ts'
import { renderChat, type ChatMessage, type ChatRole } from './chat-template.ts'
import { badRequest, type EngineError } from './errors.ts'
import { encode, isToken } from './tokenizer.ts'
import { isObject } from '../../../shared/is-object.ts'

type Prompt = Result<readonly number[], EngineError>

const ROLES: Readonly<Record<string, ChatRole>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
}

export function readChatPrompt(body: Body): Prompt {
  const addGenerationPrompt = body['add_generation_prompt'] !== false
  const continueFinalMessage = body['continue_final_message'] === true
  if (addGenerationPrompt && continueFinalMessage) {
    // The default of one is true, so leaving it out is the same mistake.
    return err(badRequest('Cannot set both `continue_final_message` and `add_generation_prompt` to True.'))
  }
  const messages = body['messages']
  if (!Array.isArray(messages) || messages.length === 0) {
    return err(badRequest('messages must be an array of at least one message.', 'messages'))
  }
  const read: ChatMessage[] = []
  for (const [index, message] of messages.entries()) {
    const result = readMessage(message)
    if (result === undefined) {
      return err(badRequest(`messages[${index}] must have a known role and text content.`, 'messages'))
    }
    read.push(result)
  }
  const tools = body['tools']
  return ok(
    renderChat({
      messages: read,
      addGenerationPrompt,
      continueFinalMessage,
      ...(Array.isArray(tools) && tools.length > 0 ? { tools: JSON.stringify(tools) } : {}),
    }),
  )
}

/** A string, an array of one string, token ids, or an array of one array of token ids. */
export function readCompletionPrompt(body: Body): Prompt {
  const prompt = body['prompt']
  const isOneOfOne = Array.isArray(prompt) && prompt.length === 1 && typeof prompt[0] !== 'number'
  const only: unknown = isOneOfOne ? prompt[0] : prompt
  if (typeof only === 'string') {
    const tokens = encode(only)
    if (tokens.length > 0) return ok(tokens)
    return err(badRequest('The prompt must have at least one token.', 'prompt'))
  }
  const ids = Array.isArray(only) ? only.filter((id) => typeof id === 'number' && isToken(id)) : []
  if (ids.length > 0 && ids.length === asList(only).length) return ok(ids)
  return err(
    badRequest('prompt must be a string, an array of one string, or an array of token ids.', 'prompt'),
  )
}

function readMessage(message: unknown): ChatMessage | undefined {
  if (!isObject(message)) return undefined
  const { role: roleName, content, name, tool_calls: toolCalls, tool_call_id: toolCallId } = message
  if (typeof roleName !== 'string' || !Object.hasOwn(ROLES, roleName)) return undefined
  const role = ROLES[roleName]
  const text = textOf(content)
  if (role === undefined || text === undefined) return undefined
  // Names and tool calls change a real engine's answer, so they stand in the prompt here too; but not before an
  // assistant's text, which is to be continued as if it had just been written.
  const prefix = [role === 'assistant' ? undefined : name, toolCallId]
    .filter((part) => typeof part === 'string')
    .map((part) => `${part}: `)
  const calls = Array.isArray(toolCalls) && toolCalls.length > 0 ? JSON.stringify(toolCalls) : ''
  return { role, text: prefix.join('') + text + calls }
}

/** The text of a message's content; undefined for what is not text. */
export function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (content === undefined || content === null) return ''
  if (!Array.isArray(content)) return undefined
  let text = ''
  for (const part of content) {
    if (!isObject(part) || part['type'] !== 'text' || typeof part['text'] !== 'string') return undefined
    text += part['text']
  }
  return text
}
