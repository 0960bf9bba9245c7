/** Turns chat messages into the tokens that an answer follows. */
import type { ChatHistoryItem, LlamaModel, LlamaPackage } from './llama.ts'

export interface ChatMessage {
  readonly role: string
  readonly text: string
}

/** Ends where the assistant's words begin, so that the beginning of an answer only has to be put behind it. */
export type ChatPrompt = (messages: readonly ChatMessage[]) => number[]

/**
 * By the template in the model's file. A model without one was not trained on chats: it is given the messages' texts, a line
 * break between them, and goes on with the last.
 */
export function createChatPrompt(
  llama: LlamaPackage,
  model: LlamaModel,
  encode: (text: string) => number[],
): ChatPrompt {
  if (typeof model.fileInfo.metadata.tokenizer?.chat_template !== 'string') {
    return (messages) => encode(messages.map(({ text }) => text).join('\n'))
  }
  const wrapper = llama.resolveChatWrapper(model)
  return (messages) => {
    const chatHistory = [...messages.map(historyItem), { type: 'model' as const, response: [''] }]
    return wrapper.generateContextState({ chatHistory }).contextText.tokenize(model.tokenizer)
  }
}

function historyItem({ role, text }: ChatMessage): ChatHistoryItem {
  if (role === 'assistant') return { type: 'model', response: [text] }
  return { type: role === 'system' || role === 'developer' ? 'system' : 'user', text }
}
