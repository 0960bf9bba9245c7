/**
 * A generation being made inside a shard: asks the pools, appends what comes to the log and wakes the readers. It lives for
 * as long as somebody reads it; when the last reader leaves, the pool's connection is closed.
 */
import type { AnswerFacts } from '../../shared/log/answer-facts.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { createGenerationLog, type GenerationLog } from '../../shared/log/generation-log.ts'
import { encodeEndLine, encodeFrameLine, encodeUsageLine } from '../../shared/log/lines.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Dispatched } from '../stages/dispatch.ts'
import type { PoolStep } from '../stream/pool-answer.ts'

/** What is known of a finished generation beyond its lines. */
export interface Completion {
  readonly finish?: string
  readonly completionTokens?: number
}

export interface GenerationOptions {
  /** The token limit it is made under. */
  readonly asked?: number
  readonly startedAtMs: number
  readonly start: (
    signal: AbortSignal,
  ) => Promise<Result<{ dispatched: Dispatched; facts: AnswerFacts }, GatewayError>>
  /** Called once, before the readers learn of the end. */
  readonly onEnd: (generation: Generation, facts: AnswerFacts | undefined, completion: Completion) => void
}

export interface Generation {
  readonly asked?: number
  readonly log: GenerationLog
  readonly startedAtMs: number
  /** Resolves when the first token is here, or when there will be none. */
  readonly begun: Promise<Result<AnswerFacts, GatewayError>>
  /** Its last reader has left: it is being cancelled, and nobody may join it any more. */
  readonly isAbandoned: boolean
  /** Resolves when there is something new in the log. */
  changed(): Promise<void>
  /** Adds a reader. Returns what that reader calls when it leaves; calling it again does nothing. */
  join(): () => void
}

export function startGeneration(options: GenerationOptions): Generation {
  const log = createGenerationLog()
  const abort = new AbortController()
  let readers = 0
  let wake: () => void = () => undefined
  let change = nextChange()

  function nextChange(): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve
    })
  }

  function notify(): void {
    const wakeReaders = wake
    change = nextChange()
    wakeReaders()
  }

  // Whatever broke in starting it, its readers hear of an end.
  const started = options
    .start(abort.signal)
    .catch((): Result<never, GatewayError> => err({ reason: 'internal_error' }))
  const generation: Generation = {
    ...(options.asked === undefined ? {} : { asked: options.asked }),
    log,
    startedAtMs: options.startedAtMs,
    begun: started.then((result) => (result.ok ? ok(result.value.facts) : err(result.error))),
    get isAbandoned() {
      return abort.signal.aborted
    },
    changed: () => change,
    join() {
      readers += 1
      let hasLeft = false
      return () => {
        if (hasLeft) return
        hasLeft = true
        readers -= 1
        if (readers === 0 && log.state === 'open') abort.abort()
      }
    },
  }

  void started.then((result) => {
    if (result.ok) return produce(result.value.dispatched, result.value.facts)
    log.end('broken', encodeEndLine({ outcome: 'upstream_error' }))
    options.onEnd(generation, undefined, {})
    notify()
    return undefined
  })

  async function produce({ first, answer }: Dispatched, facts: AnswerFacts): Promise<void> {
    const completion: { finish?: string; completionTokens?: number } = {}
    if (abort.signal.aborted) answer.cancel()
    abort.signal.addEventListener('abort', () => answer.cancel(), { once: true })
    for (let step = first; ; step = await answer.next()) {
      note(step, completion)
      const lines = linesOf(step)
      if (step.outcome === undefined) {
        if (lines === '') continue
        log.append(lines)
        notify()
        continue
      }
      const state = step.outcome === 'completed' ? 'sealed' : 'broken'
      log.end(state, lines + encodeEndLine({ outcome: step.outcome }))
      // The log is stored in the same turn in which it ends: no reader finds it in neither place.
      options.onEnd(generation, facts, completion)
      notify()
      return
    }
  }

  return generation
}

function linesOf({ frames, usage, outcome }: PoolStep): string {
  let lines = ''
  for (const frame of frames) lines += encodeFrameLine(frame)
  // Running counts are the producer's own; the reader gets the last one.
  if (usage !== undefined && outcome !== undefined) lines += encodeUsageLine(usage)
  return lines
}

/** `length` wins among several choices: then the log is not a whole answer for a reader with a larger limit. */
function note({ frames, usage }: PoolStep, completion: { finish?: string; completionTokens?: number }): void {
  for (const { reason } of frames.flatMap((frame) => frame.finishes)) {
    if (completion.finish !== 'length') completion.finish = reason
  }
  if (usage !== undefined) completion.completionTokens = usage.completionTokens
}
