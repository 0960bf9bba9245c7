/** What a LogShard can be asked, and the job that is sent to it. */
import type { Home } from '../../shared/residency/home.ts'
import type { Arrival } from '../../shared/residency/arrival.ts'
import type { GenerationRequest } from '../../shared/schema/request.ts'

/** Everything a shard needs to answer one reader. Plain data: it crosses from one isolate to another. */
export interface GenerationJob {
  readonly requestId: string
  readonly fingerprint: string
  readonly home: Home
  readonly tenant: string
  readonly keyId: string
  readonly modelVersion: string
  readonly generation: GenerationRequest
  readonly cacheSalt: string
  /** The facts the placement was decided from: the shard decides again, under the config it runs. */
  readonly residency: ResidencyFacts
  /** Pools the edge's placement allowed; the shard uses only those that both allow. */
  readonly allowedPools: readonly string[]
  readonly cache: {
    /** Whether a stored answer may be used; without it a new one is made (and stored). */
    readonly read: boolean
    readonly onlyIfCached: boolean
    readonly maxAgeSeconds?: number
    readonly ttlSeconds: number
  }
}

export interface ResidencyFacts {
  readonly arrival: Arrival
  readonly narrow?: readonly string[]
  readonly dataClass?: string
}

export interface LogShardRpc extends Rpc.DurableObjectBranded {
  /**
   * Answers one reader. Returns at once; the stream's first line says what the rest is (shared/log/lines.ts), so that
   * a reader who leaves before the first token is noticed like any other: by the stream's cancellation.
   */
  open(job: GenerationJob): Promise<ReadableStream<Uint8Array>>
}
