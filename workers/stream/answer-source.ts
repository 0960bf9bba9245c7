/** Where the relay gets an answer from, be it a pool or a log: steps of frames, then one end. */
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { Usage } from '../../shared/log/frame.ts'

export interface AnswerStep {
  /** Members of the frames that came together, in order; they can be written together. */
  readonly members: readonly string[]
  /** Tokens generated up to and with them, where that is known. */
  readonly tokens?: number
  /** The counts last stated. */
  readonly usage?: Usage
  /** Present on the last step. */
  readonly outcome?: AnswerOutcome
  /** Pools that made the answer, in order; on the last step, where they are known. */
  readonly pools?: readonly string[]
  /** Events of the whole answer; on the last step of one that was not read from its beginning. */
  readonly events?: number
  /** With the outcome `truncated`: it was not the pool that was lost but the log it was read from. */
  readonly isLogLost?: boolean
}

export interface AnswerSource {
  /** The next step. Never rejects; not to be called again after a step with an outcome. */
  next(): Promise<AnswerStep>
  /** The reader is gone: lets go of whatever feeds the source. */
  cancel(): void
}
