/** When each pool was last sent each prefix: a table of bounded size, in which what was used longest ago leaves first. */

/** A pool's last use of one prefix. */
export interface PrefixUse {
  readonly usedMs: number
  /** When an answer first proved it computed; undefined while the first may still be at it, or may have failed before. */
  readonly computedMs: number | undefined
}

/** Mutable. Prefixes go by their anchor's id. */
export interface PrefixUses {
  at(id: number, pool: string): PrefixUse | undefined
  put(id: number, pool: string, use: PrefixUse): void
  /** Drops one use. */
  drop(id: number, pool: string): void
  /** Drops all that a pool last used then or earlier; never brings back what was dropped before. */
  forget(pool: string, uptoMs: number): void
}

/** Some hundred conversations, in about 2 MB. */
export const MAX_PREFIXES = 4096
export const MAX_POOLS_PER_PREFIX = 8

/** An empty table. Beside the bounds it keeps one number per pool that forgot, and pools are as many as the config has. */
export function createPrefixUses(): PrefixUses {
  const table = new Map<number, Map<string, PrefixUse>>()
  // A time and not a sweep of the table: what is older is dead wherever it is met.
  const goneByPool = new Map<string, number>()

  return {
    at(id, pool) {
      const use = table.get(id)?.get(pool)
      return use !== undefined && use.usedMs > (goneByPool.get(pool) ?? -Infinity) ? use : undefined
    },
    put(id, pool, use) {
      const pools = table.get(id) ?? new Map<string, PrefixUse>()
      putLast(pools, pool, use, MAX_POOLS_PER_PREFIX)
      putLast(table, id, pools, MAX_PREFIXES)
    },
    drop: (id, pool) => void table.get(id)?.delete(pool),
    forget(pool, uptoMs) {
      goneByPool.set(pool, Math.max(uptoMs, goneByPool.get(pool) ?? -Infinity))
    },
  }
}

/** A Map keeps the order of insertion: the first key is the one put longest ago. */
function putLast<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, max: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= max) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
