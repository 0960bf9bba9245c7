/** A GGUF file, loaded: what turns text into tokens and back, and the sequences that generate. */
import path from 'node:path'
import { createChatPrompt, type ChatPrompt } from './chat-prompt.ts'
import type { LlamaModel, LlamaPackage, LlamaSequence } from './llama.ts'

export interface LoadedModel {
  readonly contextTokens: number
  readonly trainContextTokens: number
  /** Tokens are the numbers below. */
  readonly vocabularySize: number
  readonly bytes: number
  readonly embeddingLength: number
  readonly sequences: readonly LlamaSequence[]
  /** A text from its beginning, with the token that begins one if the model wants it. */
  encode(text: string): number[]
  /** A text that goes on after other tokens. */
  encodeMore(text: string): number[]
  /** The text of tokens that follow others. */
  decode(tokens: readonly number[]): string
  readonly chatPrompt: ChatPrompt
  isEnd(token: number): boolean
  dispose(): Promise<void>
}

export interface ModelOptions {
  readonly modelFile: string
  /** Of each sequence; capped at what the model was trained on. */
  readonly contextTokens: number
  readonly sequences: number
  readonly threads: number
}

/** llama.cpp's default for a physical batch. */
const BATCH_TOKENS = 512

/**
 * Rejects if the file is no model. With f32 for the cache of keys and values and without flash attention, what is likeliest at
 * a token does not depend on what else is in the batch, on what was cached, nor on how the prompt was split: with llama.cpp's
 * defaults (f16) one continuation in seven differed from the uninterrupted answer.
 */
export async function loadModel(llama: LlamaPackage, options: ModelOptions): Promise<LoadedModel> {
  const model = await llama.llama.loadModel({ modelPath: path.resolve(options.modelFile), gpuLayers: 0 })
  const contextTokens = Math.min(options.contextTokens, model.trainContextSize)
  const context = await model.createContext({
    contextSize: contextTokens,
    sequences: options.sequences,
    batchSize: Math.min(BATCH_TOKENS, contextTokens),
    threads: options.threads,
    flashAttention: false,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
  })
  const beginning = beginningOf(model)
  const encode = (text: string) => [...beginning, ...model.tokenize(text, false)]
  // Many tokenizers drop a space at the very beginning of a text; behind a letter there is no beginning.
  const before = model.tokenize('a', false)
  return {
    contextTokens,
    trainContextTokens: model.trainContextSize,
    vocabularySize: model.fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? 0,
    bytes: model.size,
    embeddingLength: model.embeddingVectorSize,
    sequences: Array.from({ length: options.sequences }, () => context.getSequence()),
    encode,
    encodeMore: (text) => model.tokenize(text, false, 'trimLeadingSpace'),
    decode: (tokens) => model.detokenize(tokens, false, before),
    chatPrompt: createChatPrompt(llama, model, encode),
    // A model that was trained on texts in a row, as the stories are, ends one by beginning the next.
    isEnd: (token) => model.isEogToken(token) || token === model.tokens.bos,
    async dispose() {
      await context.dispose()
      await model.dispose()
    },
  }
}

function beginningOf({ tokens }: LlamaModel): readonly number[] {
  return tokens.shouldPrependBosToken && tokens.bos !== null ? [tokens.bos] : []
}
