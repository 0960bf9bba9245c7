/** Keeps vectors for those who ask for the same. It runs after the answer, and cannot fail it. */
import type { Edge } from '../edge.ts'
import type { EmbeddingToKeep } from '../objects/embedding-rpc.ts'
import type { InputsNamed, ItemEntries } from './contexts.ts'
import { createEntryCipher } from './entry-cipher.ts'
import { writeToShards } from './shards.ts'

export function keepVectors(context: InputsNamed, made: ItemEntries, edge: Edge): void {
  if (context.keeping.kind === 'bypass') return
  edge.waitUntil(
    keep(context, made, edge).catch(() => {
      // Overloaded, unreachable or full: the next one who asks has it made again.
      edge.runtime.log({
        event: 'storage_error',
        object: 'embedding',
        what: 'unwritable',
        request_id: context.requestId,
      })
    }),
  )
}

async function keep(context: InputsNamed, made: ItemEntries, edge: Edge): Promise<void> {
  const { keeping, edgeRegion } = context
  if (keeping.kind === 'bypass') return
  const cipher = createEntryCipher(edge.mesh.vault, keeping.lease.wrappedKey)
  const sealed = await Promise.all(
    [...made].map(async ([number, entry]): Promise<EmbeddingToKeep[]> => {
      const name = keeping.names[number]
      const bytes = name === undefined ? undefined : await cipher.seal(name, entry)
      if (name === undefined || bytes === undefined) return []
      return [{ name, sealed: bytes, expiresAtMs: entry.expiresAtMs }]
    }),
  )
  await writeToShards({ ...keeping, edgeRegion }, sealed.flat(), edge)
}
