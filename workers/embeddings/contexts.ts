/** What is known about an embeddings request after each stage, as contexts.ts has it for generations. */
import type { Batch } from '../../shared/embedding/batch.ts'
import type { EmbeddingEntry } from '../../shared/embedding/entry.ts'
import type { Lease } from '../../shared/lease/lease.ts'
import type { Home } from '../../shared/residency/home.ts'
import type { EmbeddingsRequest } from '../../shared/schema/embeddings-request.ts'
import type { Model } from '../../shared/schema/mesh.ts'
import type { Admitted, Arrived, Common, Incoming, Placed, PrivateReason } from '../contexts.ts'

export interface EmbeddingsIncoming extends Common<Incoming> {
  readonly surface: 'embeddings'
}

export interface InputsRead extends EmbeddingsIncoming, Common<Arrived> {
  readonly model: Model
  readonly embeddings: EmbeddingsRequest
  readonly batch: Batch
  readonly bodyBytes: number
}

export interface InputsPlaced extends InputsRead, Pick<Placed, 'placement' | 'home'> {}

export interface InputsAdmitted extends InputsPlaced, Pick<Admitted, 'charge'> {}

export interface InputsNamed extends InputsAdmitted {
  readonly modelVersion: string
  readonly cacheSalt: string
  readonly keeping: Keeping
}

/** Whether vectors are looked up and kept, and under which names, or why they are not. */
export type Keeping =
  | {
      readonly kind: 'kept'
      /** One for each item of the batch. */
      readonly names: readonly string[]
      readonly home: Home
      /** Names the tenant's objects. */
      readonly tenantObject: string
      readonly ttlSeconds: number
      /** Under which the names' epoch holds. */
      readonly lease: Lease
    }
  | { readonly kind: 'bypass'; readonly detail: PrivateReason }

/** What is known of the items of a batch, by their numbers. */
export type ItemEntries = ReadonlyMap<number, EmbeddingEntry>
