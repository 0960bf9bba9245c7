import { expect, test } from 'vitest'
import type { CacheOutcome } from '../../../shared/cache/cache-status.ts'
import { cacheStatus } from '../../../shared/cache/cache-status.ts'

test.each<[CacheOutcome, string]>([
  [{ word: 'hit', ttlSeconds: 299.9 }, 'warmpath; hit; ttl=299'],
  [{ word: 'coalesced' }, 'warmpath; fwd=miss; collapsed'],
  [{ word: 'extended' }, 'warmpath; fwd=partial'],
  [{ word: 'miss', isStored: true }, 'warmpath; fwd=miss; stored'],
  [{ word: 'miss', isStored: false }, 'warmpath; fwd=miss'],
  [{ word: 'refresh', isStored: true }, 'warmpath; fwd=request; stored'],
  [{ word: 'refresh', isStored: false }, 'warmpath; fwd=request'],
  [{ word: 'bypass', reason: 'sampled' }, 'warmpath; fwd=bypass; detail=sampled'],
  [{ word: 'bypass', reason: 'shard_unreachable' }, 'warmpath; fwd=bypass; detail=shard_unreachable'],
])('%o is said as %s', (outcome, expected) => {
  expect(cacheStatus(outcome)).toBe(expected)
})
