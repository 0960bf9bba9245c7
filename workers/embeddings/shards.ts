/** Reads and writes vectors in the shards of a tenant: a call for each shard, whatever the size of the batch. */
import { embeddingShardOf } from '../../shared/embedding/shard-of-embedding.ts'
import type { Home } from '../../shared/residency/home.ts'
import type { Region } from '../../shared/schema/mesh.ts'
import type { Edge } from '../edge.ts'
import type { EmbeddingToKeep, FoundEmbedding } from '../objects/embedding-rpc.ts'
import { travelTo } from '../objects/stubs.ts'

/** Whose vectors, and where they are kept. */
export interface EmbeddingPlace {
  readonly home: Home
  /** Names the tenant's objects. */
  readonly tenantObject: string
  readonly edgeRegion: Region
}

/** A call between isolates carries 32 MiB. */
const MAX_WRITE_BYTES = 16 * 1024 * 1024

/** One promise for each shard that has to be asked; it rejects where the shard cannot be reached. */
export function readFromShards(
  place: EmbeddingPlace,
  names: readonly string[],
  maxCopies: number,
  edge: Edge,
): Promise<readonly FoundEmbedding[]>[] {
  const tenant = place.tenantObject
  return [...Map.groupBy(names, (name) => shardOf(name, place, edge))].map(async ([shard, own]) => {
    await travelTo(place.home, place.edgeRegion, edge.mesh.regions, edge.runtime)
    return edge.stubs.logShard(place.home, shard).readEmbeddings({ tenant, names: own, maxCopies })
  })
}

/** Rejects when any of the shards could not be written to. */
export async function writeToShards(
  place: EmbeddingPlace,
  embeddings: readonly EmbeddingToKeep[],
  edge: Edge,
): Promise<void> {
  const groups = Map.groupBy(embeddings, ({ name }) => shardOf(name, place, edge))
  await Promise.all(
    [...groups].map(async ([shard, own]) => {
      await travelTo(place.home, place.edgeRegion, edge.mesh.regions, edge.runtime)
      for (const part of cut(own)) await edge.stubs.logShard(place.home, shard).writeEmbeddings(part)
    }),
  )
}

function shardOf(name: string, { tenantObject }: EmbeddingPlace, edge: Edge): number {
  return embeddingShardOf(tenantObject, name, edge.mesh.config.log.shards_per_home)
}

function cut(embeddings: readonly EmbeddingToKeep[]): EmbeddingToKeep[][] {
  const parts: EmbeddingToKeep[][] = []
  let leftBytes = 0
  for (const embedding of embeddings) {
    const bytes = embedding.sealed.byteLength
    if (bytes > leftBytes) {
      parts.push([])
      leftBytes = MAX_WRITE_BYTES
    }
    leftBytes -= bytes
    parts.at(-1)?.push(embedding)
  }
  return parts
}
