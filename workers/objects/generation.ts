/**
 * A generation inside a shard: asks the pools, appends what comes to the log and wakes the readers. It lives for as long as
 * somebody reads it, or may come back to it; when the last one has left, the pool's connection is closed.
 */
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { KeptLog } from '../../shared/log/document.ts'
import type { GenerationLog } from '../../shared/log/generation-log.ts'
import type { LogLife } from '../../shared/log/reading.ts'
import { beginningOf } from '../../shared/log/beginning.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { explainRoute } from '../../shared/routing/explain.ts'
import type { BegunAnswer } from '../outgoing/ask-pool.ts'
import type { Produced } from '../stages/produce.ts'
import type { PoolAnswer, PoolStep } from '../stream/pool-answer.ts'
import type { GenerationJob } from './log-shard-rpc.ts'

export interface StartInput {
  readonly job: GenerationJob
  /** What there is already, where a log is continued. */
  readonly begun?: BegunAnswer
  /** Pools that everybody who reads may be answered by; to be asked again before every dispatch. */
  readonly allowedPools: () => ReadonlySet<string>
  readonly signal: AbortSignal
  /** Whether it goes on for others, or for its client to come back: not for who began it. */
  readonly isDetached: () => boolean
}

export interface GenerationOptions {
  readonly take: string
  readonly log: GenerationLog
  /** Of a log that was there before; a new one has it from its first token on. */
  readonly kept?: KeptLog
  readonly start: (input: StartInput) => Promise<Result<Produced, GatewayError>>
  readonly lifeOf: (job: GenerationJob) => LogLife
  readonly now: () => number
  /** Whether a pool may go on where the log ends, for this reader. */
  readonly mayContinue: (job: GenerationJob) => boolean
  /** More than this is relayed and no longer kept. */
  readonly maxBytes: number
  /** Tokens that may be generated while no reader has a client. */
  readonly detachedTokens: number
  /** Called when events were added. */
  readonly onEvents: (generation: Generation) => void
  /** Called when a production has ended, before the readers learn of it. */
  readonly onEnd: (generation: Generation) => void
}

/** Somebody for whom the generation goes on. */
export interface Reader {
  readonly job: GenerationJob
  /** The tokens there were when its client left; absent while it has one. */
  detachedAtTokens?: number
  /** Calling it again does nothing. */
  leave(): void
}

export interface Generation {
  readonly take: string
  readonly log: GenerationLog
  /** Undefined until the first token. */
  readonly kept: KeptLog | undefined
  /** What it holds in memory while it is made: events, and what was asked. */
  readonly size: number
  /** How the last production ended. */
  readonly outcome: AnswerOutcome | undefined
  /** A pool has been asked and has not begun to answer. */
  readonly isStarting: boolean
  /** Nothing is being made. */
  readonly isIdle: boolean
  /** Its last reader has left: it is being cancelled, and nobody may join it any more. */
  readonly isAbandoned: boolean
  readonly readers: ReadonlySet<Reader>
  /** Has the pools make it from the start. Resolves at the first token, or when there will be none. */
  begin(job: GenerationJob): Promise<Result<undefined, GatewayError>>
  /** What `begin` gave, or will give. */
  readonly begun: Promise<Result<undefined, GatewayError>>
  /**
   * Has a pool go on where the log ended, unless one does already: one extension serves all who wait. Resolves with
   * whether there is more to come.
   */
  extend(): Promise<boolean>
  /** Resolves when there is something new in the log. */
  changed(): Promise<void>
  join(job: GenerationJob): Reader
}

export function createGeneration(options: GenerationOptions): Generation {
  const { log, take, maxBytes } = options
  const readers = new Set<Reader>()
  let kept = options.kept
  let abort = new AbortController()
  let phase: 'idle' | 'starting' | 'producing' = 'idle'
  let outcome: AnswerOutcome | undefined
  let extension: Promise<boolean> | undefined
  let begun: Promise<Result<undefined, GatewayError>> = Promise.resolve(ok(undefined))
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

  function allowedPools(): ReadonlySet<string> {
    const [first = [], ...others] = new Set([...readers].map(({ job }) => job.allowedPools))
    return new Set(first.filter((pool) => others.every((pools) => pools.includes(pool))))
  }

  function isDetachedFrom({ run: beganBy }: GenerationJob): boolean {
    const isRead = [...readers].some(
      ({ job, detachedAtTokens }) => job.run === beganBy && detachedAtTokens === undefined,
    )
    return readers.size > 0 && !isRead
  }

  async function run(job: GenerationJob, soFar?: BegunAnswer): Promise<Result<undefined, GatewayError>> {
    phase = 'starting'
    abort = new AbortController()
    const { signal } = abort
    const started = await options
      .start({
        job,
        allowedPools,
        signal,
        isDetached: () => isDetachedFrom(job),
        ...(soFar === undefined ? {} : { begun: soFar }),
      })
      // Whatever broke in starting it, its readers hear of an end.
      .catch((): Result<never, GatewayError> => err({ reason: 'internal_error' }))
    if (!started.ok) {
      if (log.state === 'open') log.break()
      end('upstream_error')
      return started
    }
    const { answer, dispatched, ranking } = started.value
    const { attempts, firstTokenMs, candidate } = dispatched
    if (soFar !== undefined) log.reopen(job.generation.tokenLimit)
    log.producedBy(producerOf(candidate, options.now()))
    const route = explainRoute(ranking, candidate.placed.pool.id)
    kept ??= { log, life: options.lifeOf(job), origin: { attempts, firstTokenMs, route } }
    phase = 'producing'
    if (signal.aborted) answer.cancel()
    signal.addEventListener('abort', () => answer.cancel(), { once: true })
    const appended = change
    void produce(answer).catch(() => {
      // Whatever broke, those who read hear of an end, and nobody joins what will never go on.
      answer.cancel()
      if (log.state === 'open') log.break()
      end('upstream_error')
    })
    // Whoever waited for the beginning finds its first token in the log, and so knows whether this log will do for him.
    await appended
    return ok(undefined)
  }

  async function produce(answer: PoolAnswer): Promise<void> {
    for (;;) {
      const step = await answer.next()
      append(step)
      if (step.outcome !== undefined) {
        if (step.outcome === 'completed' && log.finish !== undefined) log.seal()
        else log.break()
        end(step.outcome)
        return
      }
      if (step.frames.length === 0) continue
      options.onEvents(generation)
      letDetachedGo()
      notify()
    }
  }

  function append({ frames, usage, takenOverBy }: PoolStep): void {
    if (takenOverBy !== undefined) log.producedBy(producerOf(takenOverBy, options.now()))
    for (const frame of frames) log.append(frame)
    if (usage !== undefined) log.count(usage)
    // Readers who are further behind than this cannot be served: memory is not theirs to fill.
    while (log.size > maxBytes) log.drop(log.firstKept + Math.ceil((log.length - log.firstKept) / 8))
  }

  function end(how: AnswerOutcome): void {
    phase = 'idle'
    outcome = how
    try {
      options.onEnd(generation)
    } finally {
      notify()
    }
  }

  /** A run that nobody has come back to has had what it may cost. */
  function letDetachedGo(): void {
    const tokens = log.tokens ?? log.length
    const isOver = ({ detachedAtTokens }: Reader): boolean =>
      detachedAtTokens !== undefined && tokens - detachedAtTokens >= options.detachedTokens
    // They leave when it has ended, so that whoever holds them learns of it.
    for (const reader of readers) if (!isOver(reader)) return
    abort.abort()
  }

  /** The reader who wants most: an extension for it serves the others too. */
  function mostWanted(): GenerationJob | undefined {
    let most: GenerationJob | undefined
    for (const { job } of readers) {
      if (most === undefined || wants(job) > wants(most)) most = job
    }
    return most
  }

  async function runExtension(): Promise<boolean> {
    const job = mostWanted()
    const soFar = beginningOf(log)
    if (job === undefined || soFar === undefined || !options.mayContinue(job)) return false
    // What ended by itself, whole or just before its pool was lost, has nothing to come.
    if (log.state === 'sealed' ? !log.endedByLimit : log.finish !== undefined) return false
    const { tokenLimit } = job.generation
    if (tokenLimit !== undefined && (soFar.tokens === undefined || soFar.tokens >= tokenLimit)) return false
    return (await run(job, { ...soFar, ...(log.usage === undefined ? {} : { usage: log.usage }) })).ok
  }

  const generation: Generation = {
    take,
    log,
    get kept() {
      return kept
    },
    get size() {
      const [first] = readers
      return log.size + (first?.job.bodyBytes ?? 0)
    },
    get outcome() {
      return outcome
    },
    get isStarting() {
      return phase === 'starting'
    },
    get isIdle() {
      return phase === 'idle'
    },
    get isAbandoned() {
      return phase !== 'idle' && abort.signal.aborted
    },
    readers,
    get begun() {
      return begun
    },
    begin(job) {
      begun = run(job)
      return begun
    },
    extend() {
      if (log.state === 'open') return Promise.resolve(true)
      extension ??= runExtension().finally(() => {
        extension = undefined
      })
      return extension
    },
    changed: () => change,
    join(job) {
      const [first] = readers
      const reader: Reader = {
        job: first === undefined ? job : withContentOf(first.job, job),
        leave() {
          if (!readers.delete(reader)) return
          if (readers.size === 0 && phase !== 'idle') abort.abort()
        },
      }
      readers.add(reader)
      return reader
    },
  }
  return generation
}

function wants({ generation }: GenerationJob): number {
  return generation.tokenLimit ?? Infinity
}

/** Readers of one log have asked the same, but for the limit: what they asked is in memory once. */
function withContentOf({ generation: { body: shared } }: GenerationJob, job: GenerationJob): GenerationJob {
  const { body } = job.generation
  const same = Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, CONTENT.has(name) ? (shared[name] ?? value) : value]),
  )
  return { ...job, generation: { ...job.generation, body: same } }
}

const CONTENT: ReadonlySet<string> = new Set(['messages', 'prompt', 'tools', 'response_format'])

function producerOf({ placed }: Produced['dispatched']['candidate'], atMs: number) {
  const { pool, region } = placed
  return { pool: pool.id, region: region.id, jurisdiction: region.jurisdiction, atMs }
}
