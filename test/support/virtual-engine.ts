/**
 * A pool in virtual time: places for requests, a queue in order of arrival, prefill by what is not cached, decoding by the
 * token, both slower under load, and a cache of prefixes in which what was used longest ago leaves first.
 */
import type { Anchors } from '../../shared/affinity/anchors.ts'
import type { LoadReading } from '../../shared/pool/load-report.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface EngineSpec {
  readonly capacity: number
  /** To the first token of a prompt that is all cached, at rest. */
  readonly baseMs: number
  readonly msPerPromptToken: number
  readonly msPerOutputToken: number
  /** How much longer everything takes when all places are taken; 0 without it. */
  readonly slowDown?: number
  /** Prefixes that the cache holds; 10,000 without it. */
  readonly cachedPrefixes?: number
  /** By which share of itself a time is off, to either side; a tenth without it. */
  readonly noise?: number
  /** Whether it says how it is doing. */
  readonly isSilent?: boolean
}

export interface EngineJob {
  readonly anchors: Anchors
  readonly promptTokens: number
  readonly outputTokens: number
  readonly onFirstToken: (cachedTokens: number) => void
  readonly onEnd: () => void
}

export interface Engine {
  /** All that it does takes so many times as long. */
  slowness: number
  /** What becomes of requests instead of an answer. */
  fault: 'refuses' | 'saturated' | undefined
  submit(job: EngineJob): void
  clearCache(): void
  reading(): LoadReading | undefined
}

export function createEngine(spec: EngineSpec, time: VirtualTime): Engine {
  const { capacity, slowDown = 0, noise = 0.1, cachedPrefixes = 10_000 } = spec
  const queue: EngineJob[] = []
  /** Ids of prefixes; a Set keeps the order of insertion. */
  const cache = new Set<number>()
  let running = 0

  function takesMs(ms: number): number {
    const luck = 1 - noise + 2 * noise * time.random()
    return ms * luck * engine.slowness * (1 + (slowDown * running) / capacity)
  }

  function cachedTokens({ anchors, promptTokens }: EngineJob): number {
    const deepest = anchors.list.findLast(({ id }) => cache.has(id))
    return deepest === undefined ? 0 : Math.floor((promptTokens * deepest.bytes) / anchors.bytes)
  }

  function keep({ list }: Anchors): void {
    for (const { id } of list.toReversed()) {
      cache.delete(id)
      cache.add(id)
    }
    for (const oldest of cache) {
      if (cache.size <= cachedPrefixes) return
      cache.delete(oldest)
    }
  }

  function begin(job: EngineJob): void {
    running += 1
    const cached = cachedTokens(job)
    time.after(takesMs(spec.baseMs + (job.promptTokens - cached) * spec.msPerPromptToken), () => {
      keep(job.anchors)
      job.onFirstToken(cached)
      time.after(takesMs(job.outputTokens * spec.msPerOutputToken), () => {
        running -= 1
        job.onEnd()
        const next = queue.shift()
        if (next !== undefined) begin(next)
      })
    })
  }

  const engine: Engine = {
    slowness: 1,
    fault: undefined,
    submit(job) {
      if (running < capacity) begin(job)
      else queue.push(job)
    },
    clearCache: () => cache.clear(),
    reading: () => (spec.isSilent === true ? undefined : { running, waiting: queue.length }),
  }
  return engine
}
