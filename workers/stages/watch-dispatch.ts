/**
 * Follows one dispatch and tells what it showed of its pool: to the isolate's own view of the pool, from which the region's
 * monitor hears it, and to the memory of which prompts are warm where.
 */
import type { Prompt } from '../../shared/affinity/prompt.ts'
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { Usage } from '../../shared/log/frame.ts'
import type { FailureKind } from '../../shared/pool/circuit-breaker.ts'
import { uncachedTokens } from '../../shared/routing/estimate.ts'
import type { Candidate } from '../../shared/routing/rank.ts'
import { adapterOf } from '../adapters/index.ts'
import type { PoolFailure } from '../outgoing/pool-failure.ts'
import type { Runtime } from '../runtime.ts'
import type { RegionView } from '../stores/pool-states.ts'

export interface WatchInput {
  readonly candidate: Candidate
  readonly prompt: Prompt
  /** Whose request it is; pools are judged by failures of distinct keys. */
  readonly key: string
  readonly view: RegionView
  readonly runtime: Pick<Runtime, 'now'>
}

export interface DispatchWatch {
  /** The pool has begun to answer. `headersMs`: from the call to its headers, where they come before the answer. Gives the time to first token. */
  readonly began: (headersMs: number | undefined) => number
  /** The pool has not begun to answer, and why. */
  readonly refused: (failure: PoolFailure) => void
  /** An answer that had begun is over. `usage`: as the pool has counted, where it went by the whole of the prompt. */
  readonly over: (outcome: AnswerOutcome, usage?: Usage) => void
}

/** To be called when the request is sent. */
export function watchDispatch(input: WatchInput): DispatchWatch {
  const { candidate, prompt, key, view, runtime } = input
  const { parts, estimateMs } = candidate
  const pool = candidate.placed.pool.id
  const { warmth } = view
  const askedAtMs = runtime.now()
  const uncached = Math.round(uncachedTokens(parts))
  const belief = warmth.believed(prompt.anchors, pool, { promptTokens: parts.promptTokens, nowMs: askedAtMs })
  const dispatched = { key, atMs: askedAtMs, uncachedTokens: uncached }
  view.dispatched(pool, dispatched)
  if (prompt.isRemembered) warmth.note(prompt.anchors, pool, askedAtMs)
  let firstTokenMs = 0

  const observed = () => ({ pool, askedAtMs, atMs: runtime.now() })
  const end = (sawFirstToken: boolean) => ({ ...dispatched, sawFirstToken })

  function failed(failure: FailureKind, sawFirstToken: boolean): void {
    const seen = observed()
    const waited = sawFirstToken ? {} : { waitedMs: seen.atMs - askedAtMs }
    view.observed({ ...seen, kind: 'failed', failure, key, sawFirstToken, ...waited }, end(sawFirstToken))
  }

  function served(usage: Usage | undefined): void {
    const seen = observed()
    const { promptTokens, cachedTokens, completionTokens } = usage ?? {}
    view.observed(
      {
        ...seen,
        kind: 'served',
        model: prompt.model,
        promptBytes: prompt.anchors.bytes,
        ttftMs: firstTokenMs,
        decodeMs: seen.atMs - askedAtMs - firstTokenMs,
        ...(promptTokens === undefined ? {} : { promptTokens }),
        ...(cachedTokens === undefined ? {} : { cachedTokens }),
        ...(completionTokens === undefined ? {} : { completionTokens }),
      },
      end(true),
    )
    if (promptTokens === undefined || cachedTokens === undefined || !prompt.isRemembered) return
    warmth.corrected(prompt.anchors, pool, {
      belief,
      cachedTokens,
      promptTokens,
      askedAtMs,
      nowMs: seen.atMs,
    })
  }

  /** What was expected of a queue explains what came later than without one, and no more. */
  function queueMs(): number {
    return Math.max(0, Math.min(parts.queueMs, firstTokenMs - (estimateMs - parts.queueMs)))
  }

  return {
    began(headersMs) {
      const seen = observed()
      firstTokenMs = seen.atMs - askedAtMs
      const shown = headersMs === undefined ? undefined : adapterOf(candidate.placed.pool).headersShow
      view.observed(
        {
          ...seen,
          kind: 'first_token',
          key,
          ttftMs: firstTokenMs,
          queueMs: shown === 'place' ? Math.max(0, (headersMs ?? 0) - parts.rttMs) : queueMs(),
          uncachedTokens: uncached,
          predictedMs: estimateMs,
          ...(shown === 'arrival' && headersMs !== undefined ? { roundTripMs: headersMs } : {}),
        },
        end(false),
      )
      return firstTokenMs
    },
    refused(failure) {
      if (prompt.isRemembered) warmth.refused(prompt.anchors, pool, askedAtMs)
      switch (failure.kind) {
        case 'fault':
          return failed(failure.fault, false)
        case 'saturated': {
          const { status, retryAfterMs } = failure
          const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
          return view.observed({ ...observed(), kind: 'saturated', status, key, ...wait }, end(false))
        }
        case 'final':
          // A wrong secret or model name is ours to mend, but until then the pool is none to send to.
          if (failure.error.reason === 'pool_misconfigured') return failed('server_error', false)
          return view.left(pool, end(false))
        case 'cancelled':
          return view.left(pool, end(false))
      }
    },
    over(outcome, usage) {
      switch (outcome) {
        case 'completed':
          return served(usage)
        case 'truncated':
        case 'upstream_error':
          return failed('server_error', true)
        case 'stalled':
          return failed('timeout', true)
        case 'timed_out':
        case 'client_cancelled':
          return view.left(pool, end(true))
      }
    },
  }
}
