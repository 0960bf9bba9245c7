/**
 * An answer that other pools finish where the one that makes it dies: read like a pool's own, it is one stream with one
 * end. What cannot be continued ends as it broke.
 */
import type { GatewayError } from '../../shared/errors.ts'
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { Frame, Surface, Usage } from '../../shared/log/frame.ts'
import { FINISH } from '../../shared/log/length-cut.ts'
import type { Result } from '../../shared/result.ts'
import type { BegunAnswer } from '../outgoing/ask-pool.ts'
import type { Dispatched } from '../stages/dispatch.ts'
import { MAX_DEATHS } from '../stages/try-candidates.ts'
import type { PoolAnswer, PoolStep } from './pool-answer.ts'

export interface ContinuedAnswerOptions {
  readonly surface: Surface
  /** What there was of the answer before. */
  readonly begun?: BegunAnswer
  /** The token limit of the whole answer. */
  readonly limit?: number
  /** Whether the request, and its tenant, let another pool go on. */
  readonly mayContinue: boolean
  /** Has another pool go on. */
  readonly goOn: (begun: BegunAnswer, died: ReadonlySet<string>) => Promise<Result<Dispatched, GatewayError>>
  /** Called when as many pools have died as may. */
  readonly onPoison: () => void
}

/** Ends by which a pool died while it answered. */
const DEATHS: ReadonlySet<AnswerOutcome> = new Set(['truncated', 'upstream_error', 'stalled'])

export function continuedAnswer(dispatched: Dispatched, options: ContinuedAnswerOptions): PoolAnswer {
  const { surface, limit, begun } = options
  let current = dispatched
  let waiting: PoolStep | undefined = dispatched.first
  let text: string | undefined = options.mayContinue ? (begun?.text ?? '') : undefined
  let tokens = begun === undefined ? 0 : begun.tokens
  let usage: Usage | undefined = begun?.usage
  let hasLeft = false
  /** It has said that it is finished: nothing comes after that, whatever becomes of its connection. */
  let isFinished = false

  async function next(): Promise<PoolStep> {
    const step = waiting ?? (await current.answer.next())
    waiting = undefined
    usage = step.usage ?? usage
    for (const frame of step.frames) note(frame)
    if (step.outcome === undefined || !DEATHS.has(step.outcome) || hasLeft) return step
    return (await survive(step)) ?? step
  }

  function note(frame: Frame): void {
    isFinished ||= frame.finishes.length > 0
    text = text === undefined || frame.text === undefined ? undefined : text + frame.text
    // What it has not shown yet, such as the bytes of half a character, is written again by whoever goes on from the text.
    if (frame.text === '' && frame.finishes.length === 0) return
    if (frame.completionTokens !== undefined) tokens = frame.completionTokens
    // What it generated without saying how much cannot be subtracted from a limit.
    else if (frame.hasContent) tokens = undefined
  }

  /** What comes after a death; undefined where nothing can. */
  async function survive({ frames, outcome }: PoolStep): Promise<PoolStep | undefined> {
    const died = new Set([...current.died, current.candidate.placed.pool.id])
    if (died.size >= MAX_DEATHS) options.onPoison()
    if (text === undefined || isFinished) return undefined
    const isAtLimit = limit !== undefined && tokens === limit
    if (isAtLimit) return finishedBy(frames)
    if (died.size >= MAX_DEATHS || (limit !== undefined && tokens === undefined)) return undefined
    const next = await options.goOn(
      { text, ...(tokens === undefined ? {} : { tokens }), ...(usage === undefined ? {} : { usage }) },
      died,
    )
    if (hasLeft) {
      if (next.ok) next.value.answer.cancel()
      return { frames, outcome: 'client_cancelled' }
    }
    if (!next.ok) return { frames, outcome: outcome ?? 'truncated' }
    current = { ...next.value, attempts: current.attempts + next.value.attempts }
    waiting = { ...next.value.first, takenOverBy: current.candidate }
    return { frames }
  }

  /** It had said everything but that this was the end. */
  function finishedBy(frames: readonly Frame[]): PoolStep {
    const end: Frame = {
      members: FINISH[surface],
      hasContent: false,
      finishes: [{ index: 0, reason: 'length' }],
      ...(tokens === undefined ? {} : { completionTokens: tokens }),
      text: '',
    }
    return { frames: [...frames, end], outcome: 'completed', ...(usage === undefined ? {} : { usage }) }
  }

  return {
    next,
    cancel() {
      hasLeft = true
      current.answer.cancel()
    },
  }
}
