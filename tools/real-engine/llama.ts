/**
 * The part of node-llama-cpp that the engine uses, and the one place that loads it. The package is installed on request, so
 * these types are our own and not imported; its version is pinned beside them.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { isObject } from '../../shared/is-object.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { prebuiltPackage } from './platform.ts'

export interface Llama {
  loadModel(options: { readonly modelPath: string; readonly gpuLayers: 0 }): Promise<LlamaModel>
}

export interface LlamaModel {
  /** Tokens. */
  readonly trainContextSize: number
  /** Bytes of its tensors. */
  readonly size: number
  readonly embeddingVectorSize: number
  readonly fileInfo: {
    readonly metadata: {
      readonly tokenizer?: {
        readonly chat_template?: unknown
        readonly ggml?: { readonly tokens?: readonly unknown[] }
      }
    }
  }
  readonly tokens: { readonly bos: number | null; readonly shouldPrependBosToken: boolean }
  readonly tokenizer: LlamaTokenizer
  tokenize(text: string, specialTokens: false, options?: 'trimLeadingSpace'): number[]
  /** Decides by the tokens before whether the text begins with a space. */
  detokenize(tokens: readonly number[], specialTokens: false, tokensBefore: readonly number[]): string
  isEogToken(token: number): boolean
  createContext(options: ContextOptions): Promise<LlamaContext>
  dispose(): Promise<void>
}

/** Only ever handed back to the package. */
export type LlamaTokenizer = unknown

export interface ContextOptions {
  /** Tokens of each sequence. */
  readonly contextSize: number
  readonly sequences: number
  readonly batchSize: number
  readonly threads: number
  readonly flashAttention: boolean
  readonly experimentalKvCacheKeyType: 'F32'
  readonly experimentalKvCacheValueType: 'F32'
}

export interface LlamaContext {
  getSequence(): LlamaSequence
  dispose(): Promise<void>
}

export interface LlamaSequence {
  /** How many tokens it holds. */
  readonly nextTokenIndex: number
  compareContextTokens(tokens: readonly number[]): { readonly firstDifferentIndex: number }
  /** Forgets from the first token that differs on. */
  adaptStateToTokens(tokens: readonly number[], allowShift: false): Promise<void>
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>
  evaluate(tokens: readonly number[], options: SamplingOptions): AsyncGenerator<number, void>
}

/** `temperature` 0 is greedy, whatever the others are. */
export interface SamplingOptions {
  readonly temperature: number
  readonly topK: number
  readonly topP: number
  readonly minP: number
  /** 0 to 2³² − 1. */
  readonly seed: number
  readonly yieldEogToken: true
}

export interface ChatWrapper {
  generateContextState(input: { readonly chatHistory: readonly ChatHistoryItem[] }): {
    readonly contextText: { tokenize(tokenizer: LlamaTokenizer): number[] }
  }
}

export type ChatHistoryItem =
  | { readonly type: 'system' | 'user'; readonly text: string }
  | { readonly type: 'model'; readonly response: readonly string[] }

export interface LlamaPackage {
  readonly llama: Llama
  resolveChatWrapper(model: LlamaModel): ChatWrapper
}

const PACKAGE = 'node-llama-cpp'
const OPTIONS = {
  gpu: process.platform === 'darwin' && process.arch === 'arm64' ? 'metal' : false,
  // Only what was installed: never compile, never download.
  build: 'never',
  skipDownload: true,
  progressLogs: false,
  logLevel: 'error',
  // No limit over all engines of a process: each says its own number, and would wait for the others' threads.
  maxThreads: 0,
} as const

/** One per process: its native part is shared anyway. */
let loading: Promise<Result<LlamaPackage, string>> | undefined

/** Why there is no engine, in a sentence for the person who wants one; undefined when it is installed. */
export function missingPart(): string | undefined {
  const prebuilt = prebuiltPackage(process.platform, process.arch)
  if (prebuilt === undefined) return `There is no llama.cpp for ${process.platform} on ${process.arch}.`
  const isThere = [PACKAGE, prebuilt].every((name) =>
    existsSync(path.join(import.meta.dirname, 'node_modules', name)),
  )
  return isThere ? undefined : 'llama.cpp is not installed here: npm run engine:install'
}

/** The error is a sentence for the person who wants an engine. */
export function loadLlama(): Promise<Result<LlamaPackage, string>> {
  loading ??= load()
  return loading
}

async function load(): Promise<Result<LlamaPackage, string>> {
  const missing = missingPart()
  if (missing !== undefined) return err(missing)
  try {
    // The name in a variable, so that the compiler does not look for a package that may not be there.
    const exported: unknown = await import(PACKAGE)
    if (!isPackage(exported))
      return err('The installed node-llama-cpp is not the version this was written for.')
    const llama = await exported.getLlama(OPTIONS)
    return ok({ llama, resolveChatWrapper: (model) => exported.resolveChatWrapper(model) })
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return err(`llama.cpp is installed, but does not load on this machine (${reason}).`)
  }
}

interface Exported {
  getLlama(options: typeof OPTIONS): Promise<Llama>
  resolveChatWrapper(model: LlamaModel): ChatWrapper
}

function isPackage(exported: unknown): exported is Exported {
  return (
    isObject(exported) &&
    typeof exported['getLlama'] === 'function' &&
    typeof exported['resolveChatWrapper'] === 'function'
  )
}
