/** Decides whether a request's answer may be shared with identical requests, and for how long. */
import type { Model, Tenant } from '../schema/mesh.ts'
import type { CacheDirectives } from './directives.ts'
import { hasUrlContent } from './url-content.ts'

export interface CachePolicyInput {
  readonly model: Model
  readonly tenant: Tenant
  /** The admitted request; absent where the same always comes out again, and nothing in it lies elsewhere. */
  readonly body?: Readonly<Record<string, unknown>>
  readonly directives: CacheDirectives
}

/** Why an answer is not shared; the words appear in the `Cache-Status` detail. */
export type NotShared = 'policy' | 'off' | 'no_store' | 'url_content' | 'sampled'

export type CachePolicy =
  | { readonly share: true; readonly ttlSeconds: number }
  | { readonly share: false; readonly reason: NotShared }

/**
 * The tenant's cache mode wins over the model's; the client can only narrow. In the mode `deterministic` only what
 * would come out the same again is shared: temperature 0, or a seed.
 */
export function cachePolicy({ model, tenant, body, directives }: CachePolicyInput): CachePolicy {
  const mode = tenant.cache.mode ?? model.cache.mode
  if (directives.bypass !== undefined) return { share: false, reason: directives.bypass }
  if (mode === 'off') return { share: false, reason: 'policy' }
  // What a URL points at can change between two requests that look the same.
  if (body !== undefined && hasUrlContent(body)) return { share: false, reason: 'url_content' }
  if (mode === 'deterministic' && body !== undefined && !isDeterministic(body)) {
    return { share: false, reason: 'sampled' }
  }
  const ttlSeconds = tenant.cache.ttl_seconds ?? model.cache.ttl_seconds
  return { share: true, ttlSeconds: Math.min(ttlSeconds, directives.ttlSeconds ?? Infinity) }
}

/** Temperature 0 or a seed. An absent temperature means 1 in the API, so it does not count. */
export function isDeterministic(body: Readonly<Record<string, unknown>>): boolean {
  return body['temperature'] === 0 || typeof body['seed'] === 'number'
}
