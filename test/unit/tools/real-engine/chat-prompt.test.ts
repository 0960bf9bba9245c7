import { describe, expect, test } from 'vitest'
import { createChatPrompt } from '../../../../tools/real-engine/chat-prompt.ts'
import type { ChatHistoryItem, LlamaModel, LlamaPackage } from '../../../../tools/real-engine/llama.ts'

const MESSAGES = [
  { role: 'developer', text: 'Be kind.' },
  { role: 'user', text: 'Hello' },
  { role: 'assistant', text: 'Hello too' },
  { role: 'tool', text: '4' },
]
const encode = (text: string) => Array.from(text, (character) => character.charCodeAt(0))
const never = () => {
  throw new Error('not for a chat')
}

function modelWith(tokenizer: LlamaModel['fileInfo']['metadata']['tokenizer']): LlamaModel {
  return {
    trainContextSize: 0,
    size: 0,
    embeddingVectorSize: 0,
    fileInfo: { metadata: tokenizer === undefined ? {} : { tokenizer } },
    tokens: { bos: null, shouldPrependBosToken: false },
    tokenizer: 'the tokenizer',
    tokenize: never,
    detokenize: never,
    isEogToken: never,
    createContext: never,
    dispose: never,
  }
}

/** A package that notes what it is to render, and renders it as one token. */
function packageNoting(rendered: (readonly ChatHistoryItem[])[]): LlamaPackage {
  return {
    llama: { loadModel: never },
    resolveChatWrapper: () => ({
      generateContextState: ({ chatHistory }) => {
        rendered.push(chatHistory)
        return { contextText: { tokenize: (tokenizer) => (tokenizer === 'the tokenizer' ? [7] : []) } }
      },
    }),
  }
}

describe('the prompt of a chat', () => {
  test('is the messages, a line each, for a model without a template', () => {
    const rendered: (readonly ChatHistoryItem[])[] = []
    const prompt = createChatPrompt(packageNoting(rendered), modelWith({ ggml: { tokens: [] } }), encode)
    expect(String.fromCharCode(...prompt(MESSAGES))).toBe('Be kind.\nHello\nHello too\n4')
    expect(prompt([])).toEqual([])
    expect(rendered).toEqual([])
  })

  test('is what the template of the model makes of them, with an answer that has begun', () => {
    const rendered: (readonly ChatHistoryItem[])[] = []
    const prompt = createChatPrompt(packageNoting(rendered), modelWith({ chat_template: '{{…}}' }), encode)
    expect(prompt(MESSAGES)).toEqual([7])
    expect(rendered).toEqual([
      [
        { type: 'system', text: 'Be kind.' },
        { type: 'user', text: 'Hello' },
        { type: 'model', response: ['Hello too'] },
        { type: 'user', text: '4' },
        { type: 'model', response: [''] },
      ],
    ])
  })
})
