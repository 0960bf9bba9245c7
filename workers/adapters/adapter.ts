/**
 * What a pool dialect is: pure functions over plain values. A dialect is a wire format, never a vendor; a new
 * vendor that speaks a known dialect is config, not code.
 */
import type { Continues } from '../../shared/log/continuation.ts'
import type { Surface } from '../../shared/log/frame.ts'
import type { PoolFault } from '../../shared/pool/pool-fault.ts'
import type { EmbeddingInput } from '../../shared/schema/embeddings-request.ts'
import type { Dialect, Pool } from '../../shared/schema/mesh.ts'
import type { ReadEvent, UpstreamEvent } from '../../shared/stream/upstream-event.ts'
import type { LoadDialect } from './load/load-dialect.ts'

export type { PoolFault, ReadEvent, Surface, UpstreamEvent }

export interface PoolAdapter {
  readonly dialect: Dialect
  /** Body fields that a pool of this dialect takes on each surface; every other field makes the pool ineligible. */
  readonly fields: Readonly<Record<Surface, ReadonlySet<string>>>
  /** The header that the pool reads its key from, unless its config names another; `authorization` without it. */
  readonly authHeader?: string
  /** What every call carries besides the key and HTTP's own. */
  readonly headers?: Readonly<Record<string, string>>
  /** Where the API begins on a host that is reached through a binding; `/v1` without it. */
  readonly basePath?: string
  /**
   * What the arrival of its headers shows of a request, if anything: that it has reached the pool (then the time to them is
   * the way there and back), or that a place has been given to it (then that time is the pool's queue, too).
   */
  readonly headersShow?: 'arrival' | 'place'
  /** On which surfaces the pool goes on from a text that it is given as the beginning of its answer. */
  readonly continues: Continues
  readonly buildRequest: (input: PoolRequestInput) => PoolRequest
  readonly embeddings: EmbeddingsDialect
  /** Reads one SSE event of a 200 answer. Never throws. */
  readonly readEvent: ReadEvent
  /** Where events lean on those before them: makes the `readEvent` of one stream. */
  readonly startReading?: () => ReadEvent
  /** Reads a status ≥ 400 with the beginning of its body. Never throws. */
  readonly readError: (status: number, body: string) => PoolFault
  /** How it is asked about its load, and whether it is there; without it, it is known by its answers alone. */
  readonly load?: LoadDialect
}

export interface PoolRequestInput {
  readonly surface: Surface
  /** The admitted request: checked fields only. */
  readonly body: Readonly<Record<string, unknown>>
  /** The name under which this pool serves the model. */
  readonly servedModel: string
  /** HMAC of the tenant: always ours, never the client's. */
  readonly cacheSalt: string
  /** Whether the body ends with the beginning of the answer, which the pool is to go on from. */
  readonly isContinuation: boolean
  /** What its config says about its API; without it, nothing. */
  readonly pool?: PoolOptions
}

/** What the config of a pool says that only its dialect understands. */
export type PoolOptions = Pick<Pool, 'api_version' | 'default_max_tokens'>

/** How a pool is asked for vectors. Its answer has the same form in every dialect. */
export interface EmbeddingsDialect {
  /** Body fields that a pool of this dialect takes there; every other field makes the pool ineligible. */
  readonly fields: ReadonlySet<string>
  readonly buildRequest: (input: EmbeddingsRequestInput) => PoolRequest
}

export interface EmbeddingsRequestInput {
  readonly inputs: readonly EmbeddingInput[]
  /** What else was admitted: checked fields only. */
  readonly params: Readonly<Record<string, unknown>>
  /** The name under which this pool serves the model. */
  readonly servedModel: string
  /** HMAC of the tenant: always ours, never the client's. */
  readonly cacheSalt: string
  /** What its config says about its API; without it, nothing. */
  readonly pool?: PoolOptions
}

export interface PoolRequest {
  /** Path below the pool's base URL, with a query if it has one, without a leading slash, e.g. `chat/completions`. */
  readonly path: string
  /** JSON text; of a generation it always asks for a stream with usage. */
  readonly body: string
}
