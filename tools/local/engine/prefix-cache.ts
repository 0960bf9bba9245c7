/**
 * Which prompt beginnings the engine has computed: blocks of tokens, each keyed by a hash chained over the blocks
 * before it and begun with the caller's salt, as vLLM does it. Least recently used blocks leave first, and of one
 * prompt its end leaves before its beginning.
 */
import { extend, extendHigh, extendLow, hashText, type RollingHash } from './rolling-hash.ts'

export interface PrefixCache {
  /** Tokens of the prompt that need no computing: whole blocks, and never the whole prompt. Marks them used. */
  match(blocks: readonly number[], promptTokens: number): number
  store(blocks: readonly number[]): void
  clear(): void
  /** Blocks held now. */
  size(): number
}

export interface PrefixCacheOptions {
  readonly blockSizeTokens: number
  readonly capacityBlocks: number
}

export function createPrefixCache(options: PrefixCacheOptions): PrefixCache {
  // A Set keeps insertion order: the first is the least recently used.
  const held = new Set<number>()

  function use(blocks: readonly number[]): void {
    for (const block of blocks.toReversed()) {
      held.delete(block)
      held.add(block)
    }
  }

  return {
    match(blocks, promptTokens) {
      // At least one token has to be computed: without it there is no next token.
      const usable = blocks.slice(0, Math.floor((promptTokens - 1) / options.blockSizeTokens))
      const firstMissing = usable.findIndex((block) => !held.has(block))
      const hits = firstMissing < 0 ? usable : usable.slice(0, firstMissing)
      use(hits)
      return hits.length * options.blockSizeTokens
    },
    store(blocks) {
      use(blocks)
      for (const block of held) {
        if (held.size <= options.capacityBlocks) break
        held.delete(block)
      }
    },
    clear: () => held.clear(),
    size: () => held.size,
  }
}

export interface BlockHasher {
  push(token: number): void
  /** The chained hashes of the blocks that are full by now. */
  readonly blocks: readonly number[]
  /** Another that has read the same, and goes its own way from here. */
  fork(): BlockHasher
}

/** Hashes a sequence as it grows. Sequences under different salts share no block. */
export function createBlockHasher(salt: string | undefined, blockSizeTokens: number): BlockHasher {
  // The mark keeps "no salt" apart from every salt, the empty one too.
  const root = extend(hashText(salt ?? ''), salt === undefined ? 0x20000 : 0x20001)
  return hasherFrom({ ...root, filled: 0, blocks: [] }, blockSizeTokens)
}

interface Hashed extends RollingHash {
  readonly filled: number
  readonly blocks: readonly number[]
}

function hasherFrom(begun: Hashed, blockSizeTokens: number): BlockHasher {
  let { high, low, filled } = begun
  const blocks = [...begun.blocks]
  return {
    blocks,
    push(token) {
      high = extendHigh(high, token)
      low = extendLow(low, token)
      filled += 1
      if (filled % blockSizeTokens === 0) blocks.push(keyOf(high, low))
    },
    fork: () => hasherFrom({ high, low, filled, blocks }, blockSizeTokens),
  }
}

/** 53 of the 64 bits: what a number holds exactly. */
function keyOf(high: number, low: number): number {
  return (high >>> 0) * 2 ** 21 + (low >>> 11)
}
