/**
 * What a pool dialect is: three pure functions over plain values. A dialect is a wire format, never a vendor; a new
 * vendor that speaks a known dialect is config, not code.
 */
import type { Continues } from '../../shared/log/continuation.ts'
import type { Surface } from '../../shared/log/frame.ts'
import type { Dialect } from '../../shared/schema/mesh.ts'
import type { UpstreamEvent } from '../../shared/stream/upstream-event.ts'

export type { Surface, UpstreamEvent }

export interface PoolAdapter {
  readonly dialect: Dialect
  /** Body fields that a pool of this dialect takes on each surface; every other field makes the pool ineligible. */
  readonly fields: Readonly<Record<Surface, ReadonlySet<string>>>
  /** Whether the pool keeps tenants' prefix caches apart when sent a `cache_salt`. */
  readonly separatesTenants: boolean
  /** On which surfaces the pool goes on from a text that it is given as the beginning of its answer. */
  readonly continues: Continues
  readonly buildRequest: (input: PoolRequestInput) => PoolRequest
  /** Reads the data of one SSE event of a 200 answer. Never throws. */
  readonly readEvent: (surface: Surface, data: string) => UpstreamEvent
  /** Reads a status ≥ 400 with the beginning of its body. Never throws. */
  readonly readError: (status: number, body: string) => PoolFault
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
}

export interface PoolRequest {
  /** Path below the pool's base URL, without a leading slash, e.g. `chat/completions`. */
  readonly path: string
  /** JSON text; always asks for a stream with usage. */
  readonly body: string
}

/** Why a pool refused before it streamed. `retryable` says whether another pool may be asked. */
export interface PoolFault {
  readonly kind: 'context_length' | 'rejected' | 'saturated' | 'unavailable' | 'misconfigured'
  readonly retryable: boolean
}
