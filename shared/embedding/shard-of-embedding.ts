/** Maps an input's name to the shard that keeps its vector. */
import { shardOf } from '../log/shard-of.ts'

/**
 * A batch of any size asks this many objects: one would be the tenant's bottleneck, and each more is a call more for
 * every batch.
 */
export const SHARDS_PER_TENANT = 4

/**
 * @param tenantObjectName names the tenant's objects: hex digits of a keyed hash
 * @param name an input's name
 * @returns a number from 0 to `shards` - 1, one of at most four for a tenant
 */
export function embeddingShardOf(tenantObjectName: string, name: string, shards: number): number {
  const first = Number.parseInt(tenantObjectName.slice(0, 8), 16)
  return (first + shardOf(name, SHARDS_PER_TENANT)) % shards
}
