/** What passes between those who dispatch and the monitor of their region: reports one way, a snapshot the other. */
import type { LoadReport } from './load-report.ts'
import type { Observation } from './observation.ts'
import type { PoolMeasures } from './pool-measures.ts'
import type { TokenRatio } from './token-ratio.ts'

/** Of one report: some minutes of a quiet isolate, or two seconds of a busy one. */
export const MAX_OBSERVATIONS = 256

/** What one observer (an isolate at the edge, a shard of the log) tells its region's monitor every few seconds. */
export interface ObserverReport {
  /** Random, of this life of the observer. */
  readonly observer: string
  /** Since its last report, in order; the oldest are left out where there are too many. */
  readonly observations: readonly Observation[]
  /** By pool id: its requests there that have not ended. */
  readonly inFlight: Readonly<Record<string, number>>
  /** By pool id: prompt tokens to compute that it has sent there since its last report. */
  readonly sentTokens: Readonly<Record<string, number>>
}

/** What is known of one pool in a region. */
export interface SharedPool {
  /** What the whole region has measured. */
  readonly measures: PoolMeasures
  /** The newest the pool said of itself. */
  readonly load?: LoadReport
  /** Requests of all regions there that have not ended, as last heard. */
  readonly inFlight: number
  /** Prompt tokens to compute that all regions send there per second, over the last ten seconds. */
  readonly tokensPerSecond: number
  /** An operator has taken it out: nothing new goes there. */
  readonly isDrained: boolean
}

export interface RegionSnapshot {
  readonly region: string
  /** When the monitor put it together, milliseconds since the epoch. */
  readonly atMs: number
  /** By pool id. */
  readonly pools: Readonly<Record<string, SharedPool>>
  /** By model id. */
  readonly tokenRatios: Readonly<Record<string, TokenRatio>>
}
