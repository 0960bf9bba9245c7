/** What a LogShard can be asked, and the jobs that are sent to it. */
import type { HeaderFacts } from '../../shared/residency/header-facts.ts'
import type { Home } from '../../shared/residency/home.ts'
import type { Arrival } from '../../shared/residency/arrival.ts'
import type { GenerationRequest } from '../../shared/schema/request.ts'
import type { EmbeddingsRpc } from './embedding-rpc.ts'

/** Everything a shard needs to answer one reader. Plain data: it crosses from one isolate to another. */
export interface GenerationJob {
  /** Names the reader: it may come back under it. */
  readonly run: string
  readonly fingerprint: string
  /** The key of the tenant's epoch, as the ledger keeps it, under which the log is encrypted. */
  readonly wrappedKey: string
  readonly home: Home
  readonly tenant: string
  readonly keyId: string
  readonly modelVersion: string
  readonly generation: GenerationRequest
  /** Of the request's body: what a shard holds of it while the answer is made. */
  readonly bodyBytes: number
  readonly cacheSalt: string
  /** What the client says belongs together. */
  readonly affinity?: string
  /** The facts the placement was decided from: the shard decides again, under the config it runs. */
  readonly residency: ResidencyFacts
  /** Pools the edge's placement allowed; the shard uses only those that both allow. */
  readonly allowedPools: readonly string[]
  /** Whether the generation goes on for a while when its client has left: only once it knows the name of its run, or always. */
  readonly comesBack: 'never' | 'once_begun' | 'always'
  readonly cache: {
    /** Whether a stored answer may be used; without it a new one is made (and stored). */
    readonly read: boolean
    readonly onlyIfCached: boolean
    readonly maxAgeSeconds?: number
    readonly ttlSeconds: number
    /** Whether the answer may be copied to where it has no jurisdiction. */
    readonly isPromotable: boolean
    /** Whether the edge may keep a copy for those who come after. */
    readonly wantsCopy: boolean
  }
  /** The edge had begun to read this log when it lost the shard: only it will do, from there. */
  readonly resumed?: { readonly take: string; readonly events: number }
}

export interface ResidencyFacts {
  readonly arrival: Arrival
  readonly narrow?: readonly string[]
  readonly dataClass?: string
  readonly headers?: HeaderFacts
}

/** A reader who comes back to a run. */
export interface ResumeJob {
  readonly run: string
  readonly fingerprint: string
  /** The log it read; absent where it left before that was known. */
  readonly take?: string
  readonly wrappedKey: string
  readonly limit?: number
  /** Events it has had. */
  readonly events: number
  readonly home: Home
  readonly tenant: string
  readonly keyId: string
  readonly model: string
  /** What it said at first and what it says now, in every combination: the shard places it again under all of them. */
  readonly residency: readonly ResidencyFacts[]
  /** Pools that the edge's placement allows; the shard gives what only those made that both allow. */
  readonly allowedPools: readonly string[]
  /** Oldest answer it may have, whatever the answer's own life says. */
  readonly maxAgeSeconds?: number
}

export interface LogShardRpc extends EmbeddingsRpc, Rpc.DurableObjectBranded {
  /**
   * Answers one reader. Returns at once; the stream's first line says what the rest is (shared/log/lines.ts), so that
   * a reader who leaves before the first token is noticed like any other: by the stream's cancellation.
   */
  open(job: GenerationJob): Promise<ReadableStream<Uint8Array>>
  /** Answers a reader who comes back, in the same form. */
  resume(job: ResumeJob): Promise<ReadableStream<Uint8Array>>
  /** Lets go of what was held for a reader who left. */
  detach(run: string): Promise<void>
  /**
   * Notes that a key of the client's stands for a request, for so many seconds. Gives whether it does: another request may
   * have it. Both are keyed digests.
   */
  claim(name: string, request: string, ttlSeconds: number): Promise<boolean>
}
