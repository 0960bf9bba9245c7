/** One token of one choice, on its way to the client. */
import type { DrawnToken } from './token-source.ts'

export interface GenerationStep extends DrawnToken {
  /** Whose token it is, from 0. */
  readonly choice: number
  /** May be empty: the end of a turn, or held back for a stop string. */
  readonly text: string
  /** Of this choice so far, this one included. */
  readonly completionTokens: number
  /** Code points of this choice's tokens before this one. */
  readonly offset: number
  readonly finish?: Finish
}

export interface Finish {
  readonly reason: 'stop' | 'length'
  readonly stop: string | null
}
