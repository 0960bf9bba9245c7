/** What the engine has done, counted: the source of /admin/stats and /metrics. */

export type Ending = 'stop' | 'length' | 'abort'

export interface Accounts {
  /** Requests that run the model, to generate or to embed, whatever became of them. */
  requests: number
  /** Requests whose prompt was begun, with however many choices. */
  generations: number
  /** Inputs that were begun to be embedded. */
  embeddings: number
  promptTokensComputed: number
  promptTokensCached: number
  /** With the end of a turn, which is a token too. */
  tokensGenerated: number
  /** Clients that left before their answer was complete, at whatever stage. */
  aborted: number
  /** Of choices. */
  readonly endings: Record<Ending, number>
  readonly timeToFirstToken: Histogram
  readonly interToken: Histogram
  readonly queueTime: Histogram
  readonly prefillTime: Histogram
  readonly endToEnd: Histogram
}

export interface Histogram {
  readonly boundsSeconds: readonly number[]
  /** One more than bounds: the last counts what is above all. */
  readonly counts: number[]
  sumSeconds: number
}

/** Of vLLM's bounds, a selection that covers both a simulated millisecond and a long queue. */
const BOUNDS_SECONDS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10, 20, 40, 80,
]

export function createAccounts(): Accounts {
  return {
    requests: 0,
    generations: 0,
    embeddings: 0,
    promptTokensComputed: 0,
    promptTokensCached: 0,
    tokensGenerated: 0,
    aborted: 0,
    endings: { stop: 0, length: 0, abort: 0 },
    timeToFirstToken: createHistogram(),
    interToken: createHistogram(),
    queueTime: createHistogram(),
    prefillTime: createHistogram(),
    endToEnd: createHistogram(),
  }
}

export function observe(histogram: Histogram, durationMs: number): void {
  const seconds = durationMs / 1000
  const found = histogram.boundsSeconds.findIndex((bound) => seconds <= bound)
  const index = found < 0 ? histogram.boundsSeconds.length : found
  histogram.counts[index] = (histogram.counts[index] ?? 0) + 1
  histogram.sumSeconds += seconds
}

function createHistogram(): Histogram {
  return {
    boundsSeconds: BOUNDS_SECONDS,
    counts: Array.from({ length: BOUNDS_SECONDS.length + 1 }, () => 0),
    sumSeconds: 0,
  }
}
