/** What a log shard can be asked about vectors. They are encrypted where they are made and decrypted where they are used. */

export interface SealedEmbedding {
  readonly name: string
  readonly sealed: Uint8Array
}

export interface EmbeddingToKeep extends SealedEmbedding {
  readonly expiresAtMs: number
}

export interface FoundEmbedding extends SealedEmbedding {
  /** Whoever asked is to copy it to KV: it is read often. */
  readonly isToCopy: boolean
}

export interface EmbeddingsLookup {
  /** Names the tenant: a keyed hash. */
  readonly tenant: string
  readonly names: readonly string[]
  /** How many copies the edge will make; none where the placement keeps it from KV. */
  readonly maxCopies: number
}

export interface EmbeddingsRpc {
  /** Gives what there is, in any order. */
  readEmbeddings(lookup: EmbeddingsLookup): Promise<readonly FoundEmbedding[]>
  writeEmbeddings(embeddings: readonly EmbeddingToKeep[]): Promise<void>
}
