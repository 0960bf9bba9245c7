/** What one request asks the model for. */
import type { Shape } from './shape.ts'

export interface GenerationRequest {
  readonly prompt: readonly number[]
  readonly cacheSalt: string | undefined
  /** How many texts are written for the prompt; at least 1. */
  readonly choices: number
  /** Of each choice. At least 1, and with the prompt within the context. */
  readonly maxTokens: number
  readonly minTokens: number
  readonly temperature: number
  readonly seed: number | undefined
  readonly stops: readonly string[]
  readonly ignoreEos: boolean
  /** The JSON that is written instead of a story. */
  readonly grammar: Shape | undefined
}
