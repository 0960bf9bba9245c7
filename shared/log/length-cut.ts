/** Where a log ends for a reader with a token limit of its own, if it can be ended just there. */
import type { Surface, Usage } from './frame.ts'
import type { GenerationLog, LogEntry } from './generation-log.ts'

export interface Cut {
  /** Events of the log before the end. */
  readonly events: number
  /** What finishes it for this reader. */
  readonly finish: readonly LogEntry[]
  readonly usage?: Usage
}

/**
 * The end that a limit makes: one that the log once had, or the event whose count of tokens is just the limit. Chunks are
 * not tokens: without a count, or where a pool's counts jump over the limit, there is none.
 */
export function cutAt(log: GenerationLog, limit: number | undefined): Cut | undefined {
  if (limit === undefined) return undefined
  const known = log.lengthEnds.find((end) => end.limit === limit)
  if (known !== undefined) return known
  // What the log itself ends with is its end.
  if (isWholeFor(log, limit) || (log.state !== 'broken' && log.asked === limit)) return undefined
  const index = log.entryWithTokens(limit)
  if (index === undefined) return undefined
  // Of one that was dropped it is known only whether it was the last.
  const finish = log.entry(index)?.finish ?? (index === log.length - 1 ? log.finish : undefined)
  const usage = usageUpTo(log.usage, limit)
  return {
    events: index + 1,
    finish: finish === undefined ? [{ members: FINISH[log.surface], finish: 'length' }] : [],
    ...(usage === undefined ? {} : { usage }),
  }
}

/**
 * Whether a sealed log is just what a reader with this limit would have got: made under the same limit, or ended by
 * itself within it. The count is over all choices, so with several it can only refuse too much.
 */
export function isWholeFor(log: GenerationLog, limit: number | undefined): boolean {
  if (log.state !== 'sealed') return false
  const { asked } = log
  if (asked === limit) return true
  const isAtPoolsBound = log.finish === 'length'
  // Without a limit of their own, pools may end by a default that an explicit limit would have lifted.
  if (isAtPoolsBound && (asked === undefined || log.endedByLimit)) return false
  if (limit === undefined || (asked !== undefined && asked <= limit)) return true
  const tokens = log.usage?.completionTokens ?? log.tokens
  // Just at the pool's bound it is cut, as it was for those who read it before it ended.
  return tokens !== undefined && (isAtPoolsBound ? tokens < limit : tokens <= limit)
}

/** The event by which an answer ends at its limit, as engines write it when it carries no text. */
export const FINISH: Readonly<Record<Surface, string>> = {
  chat: '{"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"length"}]}',
  completions: '{"choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"length"}]}',
}

/** Counts in the form of OpenAI's usage object, for answers whose own pool stated none that fit. */
export function usageOf(counts: Omit<Usage, 'raw'>): Usage {
  const { promptTokens, completionTokens, cachedTokens } = counts
  const raw = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...(cachedTokens === undefined ? {} : { prompt_tokens_details: { cached_tokens: cachedTokens } }),
  }
  return { ...counts, raw: JSON.stringify(raw) }
}

function usageUpTo(usage: Usage | undefined, completionTokens: number): Usage | undefined {
  if (usage === undefined) return undefined
  const { promptTokens, cachedTokens } = usage
  return usageOf({
    promptTokens,
    completionTokens,
    ...(cachedTokens === undefined ? {} : { cachedTokens }),
  })
}
