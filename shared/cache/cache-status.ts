/** Says in the response headers what the cache did: the RFC 9211 `Cache-Status` and the mesh's own single word. */
import type { NotShared } from './policy.ts'

/** Why the cache was not asked for an answer that could have been shared. */
export type NotStored = 'no_home' | 'no_lease' | 'shard_unreachable'

export type CacheOutcome =
  /** Replayed; `ttlSeconds` is what is left of its life. */
  | { readonly word: 'hit'; readonly ttlSeconds: number }
  /** Joined a generation that was under way. */
  | { readonly word: 'coalesced' }
  /** Generated, and kept if it ends well; a refresh was told not to read. */
  | { readonly word: 'miss' | 'refresh' }
  /** The cache was not asked. */
  | { readonly word: 'bypass'; readonly reason: NotShared | NotStored }

/** The name by which this cache goes in `Cache-Status`, which lists every cache on the way. */
const CACHE_NAME = 'warmpath'

/** The value of `Cache-Status` (RFC 9211 §2): a structured-field list of one item with parameters. */
export function cacheStatus(outcome: CacheOutcome): string {
  return [CACHE_NAME, ...parameters(outcome)].join('; ')
}

function parameters(outcome: CacheOutcome): readonly string[] {
  switch (outcome.word) {
    case 'hit':
      return ['hit', `ttl=${Math.floor(outcome.ttlSeconds)}`]
    case 'coalesced':
      return ['fwd=miss', 'collapsed']
    case 'miss':
      return ['fwd=miss', 'stored']
    case 'refresh':
      return ['fwd=request', 'stored']
    case 'bypass':
      return ['fwd=bypass', `detail=${outcome.reason}`]
  }
}
