/** How fast a pool goes on after its first token, and how long its answers are: for what a slot is taken, and how long. */

export interface DecodePace {
  /** Per output token after the first; absent until an answer had several. */
  readonly msPerToken?: number
  readonly completionTokens: number
  /** From the request to the end of its answer. */
  readonly totalMs: number
  readonly answers: number
}

export interface AnswerTimes {
  readonly completionTokens: number
  /** From the first token to the last. */
  readonly decodeMs: number
  readonly ttftMs: number
}

/** About the last twenty answers count; the first few are averaged. */
const ALPHA = 0.1
/** A quicker answer is believed sooner: a pool that has recovered is only looked at a few times before it is judged again. */
const FALL_ALPHA = 0.5
/** Answers below this length count for less: what few tokens took is mostly how they were batched into events. */
const FULL_WEIGHT_TOKENS = 16
/** A client that reads slowly holds its stream up, which says little about the pool: one answer raises the pace threefold at most. */
const MAX_RISE = 3
/** A pace of nothing, from tokens that came in one event, has to be able to grow. */
const LEAST_PACE_MS = 1
/** Beyond any answer: what is more is a fault of whoever measured. */
const MAX_TOKENS = 10_000_000
const MAX_MS = 86_400_000

/** Folds in an answer that came to its end. One without a token, or with times that cannot be, changes nothing. */
export function observeAnswer(pace: DecodePace | undefined, answer: AnswerTimes): DecodePace | undefined {
  const { completionTokens, decodeMs, ttftMs } = answer
  if (!isWithin(completionTokens, 1, MAX_TOKENS) || !isWithin(decodeMs, 0, MAX_MS)) return pace
  if (!isWithin(ttftMs, 0, MAX_MS)) return pace
  const answers = (pace?.answers ?? 0) + 1
  const alpha = Math.max(ALPHA, 1 / answers)
  const msPerToken = paceAfter(pace?.msPerToken, answer, alpha)
  return {
    ...(msPerToken === undefined ? {} : { msPerToken }),
    completionTokens: average(pace?.completionTokens, completionTokens, alpha),
    totalMs: average(pace?.totalMs, ttftMs + decodeMs, alpha),
    answers,
  }
}

/** The one that rests on more answers; an observer tells its region of all of its own. */
export function mergePaces(own: DecodePace, regions: DecodePace): DecodePace {
  if (own.answers !== regions.answers) return own.answers > regions.answers ? own : regions
  return own.totalMs >= regions.totalMs ? own : regions
}

function paceAfter(before: number | undefined, answer: AnswerTimes, alpha: number): number | undefined {
  const tokens = answer.completionTokens - 1
  if (tokens < 1) return before
  const seen = answer.decodeMs / tokens
  if (before === undefined) return seen
  const bounded = Math.min(seen, Math.max(before, LEAST_PACE_MS) * MAX_RISE)
  const weight = seen < before ? Math.max(alpha, FALL_ALPHA) : alpha
  return average(before, bounded, weight * Math.min(1, tokens / FULL_WEIGHT_TOKENS))
}

function average(before: number | undefined, seen: number, alpha: number): number {
  return before === undefined ? seen : before + alpha * (seen - before)
}

function isWithin(value: number, min: number, max: number): boolean {
  return value >= min && value <= max
}
