/** Folds the deltas of one choice: a chat message, a completion's text, log probabilities. */
import { createToolCallsFold, joinText } from './fold-tool-calls.ts'
import { isObject } from '../is-object.ts'
import { keepLast } from './keep-last.ts'

type Json = Readonly<Record<string, unknown>>

/** Members of a chat delta that arrive in pieces of text. */
const TEXT_MEMBERS: ReadonlySet<string> = new Set(['content', 'refusal', 'reasoning_content', 'reasoning'])

/** Members of a chat delta that have a form of their own; audio does not pass through this mesh. */
const OWN_MEMBERS: ReadonlySet<string> = new Set(['role', 'tool_calls', 'function_call', 'audio'])

/** Folds chat deltas into `{ message }`. */
export function createMessageFold() {
  const members = new Map<string, unknown>()
  const toolCalls = createToolCallsFold()
  let functionCall: Record<string, unknown> | undefined
  let role = 'assistant'

  function addMember(key: string, value: unknown): void {
    const before = members.get(key)
    if (TEXT_MEMBERS.has(key) && typeof value === 'string') members.set(key, joinText(before, value))
    else if (Array.isArray(before) && Array.isArray(value)) members.set(key, [...before, ...value])
    else keepLast(members, { [key]: value }, OWN_MEMBERS)
  }

  return {
    add({ delta }: Json): void {
      if (!isObject(delta)) return
      if (typeof delta.role === 'string' && delta.role !== '') role = delta.role
      if (Array.isArray(delta.tool_calls)) toolCalls.add(delta.tool_calls)
      if (isObject(delta.function_call)) {
        const { name, arguments: text } = delta.function_call
        functionCall = {
          name: functionCall?.name ?? name,
          arguments: joinText(functionCall?.arguments, text),
        }
      }
      for (const [key, value] of Object.entries(delta)) if (!OWN_MEMBERS.has(key)) addMember(key, value)
    },
    value(): Record<string, unknown> {
      const calls = toolCalls.value()
      const content = members.get('content') ?? ''
      const isCall = calls.length > 0 || functionCall !== undefined
      const isRefusal = typeof members.get('refusal') === 'string'
      return {
        message: {
          role,
          ...Object.fromEntries(members),
          // As OpenAI has it: null, not empty, beside a call or a refusal.
          content: content === '' && (isCall || isRefusal) ? null : content,
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
          ...(functionCall === undefined ? {} : { function_call: functionCall }),
        },
      }
    },
  }
}

/** Folds completion chunks into `{ text }`. */
export function createTextFold() {
  let text = ''
  return {
    add(choice: Json): void {
      text = joinText(text, choice.text)
    },
    value: (): Record<string, unknown> => ({ text }),
  }
}

/**
 * Folds log probabilities, which are an object of lists: `content` and `refusal` in a chat, `tokens`,
 * `token_logprobs`, `top_logprobs` and `text_offset` in a completion. Null if no chunk had any.
 */
export function createLogprobsFold() {
  const lists = new Map<string, unknown[]>()
  const rest = new Map<string, unknown>()
  return {
    add(logprobs: unknown): void {
      if (!isObject(logprobs)) return
      for (const [key, value] of Object.entries(logprobs)) {
        const list = lists.get(key)
        if (!Array.isArray(value)) keepLast(rest, { [key]: value }, new Set())
        else if (list === undefined) lists.set(key, [...value])
        else list.push(...value)
      }
    },
    value(): object | null {
      if (lists.size === 0 && rest.size === 0) return null
      return { ...Object.fromEntries(rest), ...Object.fromEntries(lists) }
    },
  }
}
