/** Turns chat messages into prompt tokens: a special token per role, the text, and an end of turn. */
import { encode, SPECIAL_TOKENS } from './tokenizer.ts'

export interface ChatMessage {
  readonly role: ChatRole
  readonly text: string
}

export type ChatRole = 'system' | 'user' | 'assistant' | 'tool'

export interface ChatTemplateOptions {
  readonly messages: readonly ChatMessage[]
  /** The tools' definitions as JSON text. */
  readonly tools?: string
  /** Opens the assistant's turn after the last message. */
  readonly addGenerationPrompt: boolean
  /** Leaves the last message open, so that what is generated continues it. */
  readonly continueFinalMessage: boolean
}

/** Markers are special tokens, never text: a message cannot open a turn by containing what looks like one. */
export function renderChat(options: ChatTemplateOptions): number[] {
  const tokens: number[] = [SPECIAL_TOKENS.beginning]
  if (options.tools !== undefined) {
    append(tokens, [SPECIAL_TOKENS.toolDefinitions], encode(options.tools), [SPECIAL_TOKENS.endOfTurn])
  }
  options.messages.forEach((message, index) => {
    const isOpen = options.continueFinalMessage && index === options.messages.length - 1
    append(tokens, [SPECIAL_TOKENS[message.role]], encode(message.text))
    if (!isOpen) tokens.push(SPECIAL_TOKENS.endOfTurn)
  })
  if (options.addGenerationPrompt) tokens.push(SPECIAL_TOKENS.assistant)
  return tokens
}

/** Not `push(...part)`: a long text has more tokens than a call can have arguments. */
function append(tokens: number[], ...parts: readonly (readonly number[])[]): void {
  for (const part of parts) for (const token of part) tokens.push(token)
}
