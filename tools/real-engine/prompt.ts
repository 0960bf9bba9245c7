/** Reads the prompt of either surface: the tokens, and the beginning of an answer that is to be repeated before the rest. */
import { isObject } from '../../shared/is-object.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Body } from './body-checks.ts'
import type { ChatMessage } from './chat-prompt.ts'
import { invalidRequest, type ServerError } from './errors.ts'
import type { LoadedModel } from './model.ts'

export interface Prompt {
  readonly tokens: readonly number[]
  /** The last message, if it is the assistant's: the beginning of the answer. Empty if there is none. */
  readonly begun: string
  /** Whether a stream leaves out the beginning, which a whole answer always repeats. */
  readonly isContinuation: boolean
}

type Read<T> = Result<T, ServerError>

const TOO_MANY_ANSWERS = 'Cannot have 2 or more assistant messages at the end of the list.'
const BOTH_FLAGS = 'Cannot set both add_generation_prompt and continue_final_message to true.'

/** The beginning of an answer is tokenized apart from what comes before it, as it was when it was generated. */
export function readChatPrompt(body: Body, model: LoadedModel): Read<Prompt> {
  const read = readMessages(body['messages'])
  if (!read.ok) return read
  const messages = read.value
  const isContinuation = body['continue_final_message'] === true
  if (isContinuation && body['add_generation_prompt'] !== false) return err(invalidRequest(BOTH_FLAGS))
  const last = messages.at(-1)
  if (last?.role !== 'assistant') {
    if (isContinuation)
      return err(invalidRequest('The last message must be the assistant’s to be continued.'))
    return ok({ tokens: model.chatPrompt(messages), begun: '', isContinuation })
  }
  if (messages.at(-2)?.role === 'assistant') return err(invalidRequest(TOO_MANY_ANSWERS))
  const before = model.chatPrompt(messages.slice(0, -1))
  return ok({ tokens: [...before, ...model.encodeMore(last.text)], begun: last.text, isContinuation })
}

/** A text, or its tokens as numbers. */
export function readCompletionPrompt({ prompt }: Body, model: LoadedModel): Read<Prompt> {
  const tokens = typeof prompt === 'string' ? model.encode(prompt) : prompt
  if (!Array.isArray(tokens)) return err(invalidRequest('"prompt" must be a string or an array of token ids'))
  if (tokens.length === 0) return err(invalidRequest('Input prompt cannot be empty'))
  if (!tokens.every((token: unknown) => isToken(token, model))) {
    return err(invalidRequest('Prompt contains invalid tokens'))
  }
  return ok({ tokens, begun: '', isContinuation: false })
}

function isToken(value: unknown, { vocabularySize }: LoadedModel): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < vocabularySize
}

function readMessages(messages: unknown): Read<readonly ChatMessage[]> {
  if (!Array.isArray(messages)) return err(invalidRequest("'messages' is required and must be an array"))
  const read = messages.map(readMessage)
  return read.every((message) => message !== undefined)
    ? ok(read)
    : err(invalidRequest('A message must have a role and a content of text; tool calls are not done'))
}

function readMessage(message: unknown): ChatMessage | undefined {
  if (!isObject(message) || typeof message['role'] !== 'string') return undefined
  const { role, content, tool_calls: calls } = message
  const text = readText(content)
  return text === undefined || (Array.isArray(calls) && calls.length > 0) ? undefined : { role, text }
}

/** A string, or parts that are texts. An absent one is empty, as in an answer that is only to begin. */
function readText(content: unknown): string | undefined {
  if (content === undefined || content === null) return ''
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  const texts = content.map((part: unknown) =>
    isObject(part) && part['type'] === 'text' && typeof part['text'] === 'string' ? part['text'] : undefined,
  )
  return texts.every((text) => text !== undefined) ? texts.join('') : undefined
}
