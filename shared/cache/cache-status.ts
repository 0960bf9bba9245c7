/** Says in the response headers what the cache did: the RFC 9211 `Cache-Status` and the mesh's own single word. */
import type { NotShared } from './policy.ts'

/** Why the cache was not asked for an answer that could have been shared. */
export type NotStored = 'no_home' | 'no_lease' | 'shard_unreachable' | 'shard_busy'

export type CacheOutcome =
  /** Replayed; `ttlSeconds` is what is left of its life. Stitched: several pools made it between them. */
  | { readonly word: 'hit'; readonly ttlSeconds: number; readonly isStitched?: boolean }
  /** Joined a generation that was under way. */
  | { readonly word: 'coalesced' }
  /** Replayed what there was, and had a pool go on from there. */
  | { readonly word: 'extended' }
  /**
   * Generated; a refresh was told not to read. Stored only if it has ended, and well: while it is being streamed nobody
   * can know that.
   */
  | { readonly word: 'miss' | 'refresh'; readonly isStored: boolean }
  /** The cache was not asked. */
  | { readonly word: 'bypass'; readonly reason: NotShared | NotStored }

/** The name by which this cache goes in `Cache-Status`, which lists every cache on the way. */
export const CACHE_NAME = 'warmpath'

/** The value of `Cache-Status` (RFC 9211 §2): a structured-field list of one item with parameters. */
export function cacheStatus(outcome: CacheOutcome): string {
  return [CACHE_NAME, ...parameters(outcome)].join('; ')
}

function parameters(outcome: CacheOutcome): readonly string[] {
  switch (outcome.word) {
    case 'hit':
      return [
        'hit',
        `ttl=${Math.floor(outcome.ttlSeconds)}`,
        ...(outcome.isStitched === true ? ['detail=stitched'] : []),
      ]
    case 'coalesced':
      return ['fwd=miss', 'collapsed']
    case 'extended':
      return ['fwd=partial']
    case 'miss':
      return outcome.isStored ? ['fwd=miss', 'stored'] : ['fwd=miss']
    case 'refresh':
      return outcome.isStored ? ['fwd=request', 'stored'] : ['fwd=request']
    case 'bypass':
      return ['fwd=bypass', `detail=${outcome.reason}`]
  }
}
