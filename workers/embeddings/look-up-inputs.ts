/**
 * What is known of a batch already: asks the tenant's shards and, where nothing restricts the placement, KV at the same time.
 * Whatever has not answered in time is a miss and not an error.
 */
import type { EmbeddingEntry } from '../../shared/embedding/entry.ts'
import { isUsable, type EmbeddingReader } from '../../shared/embedding/reading.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { distrustedTimes } from '../log-reader.ts'
import type { Edge } from '../edge.ts'
import type { FoundEmbedding, SealedEmbedding } from '../objects/embedding-rpc.ts'
import { within } from '../within.ts'
import type { InputsNamed, ItemEntries, Keeping } from './contexts.ts'
import { readCopies, writeCopy } from './copies.ts'
import { createEntryCipher } from './entry-cipher.ts'
import { readFromShards } from './shards.ts'
import type { VectorHold } from './vector-hold.ts'

/** Copies that one read of a shard may ask for; KV has no bulk write. */
const MAX_COPIES_PER_SHARD = 16

type Kept = Extract<Keeping, { kind: 'kept' }>

/** Fails with `edge_busy` where the isolate has no room for what was found. */
export async function lookUpInputs(
  context: InputsNamed,
  hold: VectorHold,
  edge: Edge,
): Promise<Result<ItemEntries, GatewayError>> {
  const { keeping } = context
  if (keeping.kind === 'bypass' || !context.narrowing.cache.read) return ok(new Map())
  const collection = collect(keeping, readerOf(context, keeping, edge), hold, edge)
  const mayCopy = context.placement.storage === 'anywhere'
  const place = { ...keeping, edgeRegion: context.edgeRegion }
  const sources = readFromShards(place, keeping.names, mayCopy ? MAX_COPIES_PER_SHARD : 0, edge)
  if (mayCopy) sources.push(...readCopies(answersOf(edge), keeping.names).map(asNotToCopy))

  const all = Promise.allSettled(sources.map(collection.add))
  await within(Promise.race([all, collection.isWhole]), edge.mesh.config.log.open_within_ms)
  const { entries, isTooMuch, unreadable } = collection.end()
  if (unreadable > 0) {
    edge.runtime.log({
      event: 'storage_error',
      object: 'embedding',
      what: 'unreadable',
      request_id: context.requestId,
      count: unreadable,
    })
  }
  return isTooMuch ? err({ reason: 'edge_busy' }) : ok(entries)
}

interface Collection {
  /** Opens what a source found, and keeps what may be used. */
  readonly add: (found: Promise<readonly FoundEmbedding[]>) => Promise<void>
  /** Resolves when every item is known. */
  readonly isWhole: Promise<void>
  /** Nothing that comes after this counts. */
  readonly end: () => { entries: ItemEntries; isTooMuch: boolean; unreadable: number }
}

function collect({ names, lease }: Kept, reader: EmbeddingReader, hold: VectorHold, edge: Edge): Collection {
  const numbers = new Map(names.map((name, number) => [name, number]))
  const cipher = createEntryCipher(edge.mesh.vault, lease.wrappedKey)
  const entries = new Map<number, EmbeddingEntry>()
  const whole = Promise.withResolvers<void>()
  let isOver = false
  let isTooMuch = false
  let unreadable = 0

  async function open({ name, sealed, isToCopy }: FoundEmbedding): Promise<void> {
    const number = numbers.get(name)
    if (number === undefined || entries.has(number)) return
    const entry = await cipher.open(name, sealed)
    if (isOver || entries.has(number)) return
    if (entry === undefined) unreadable += 1
    if (entry === undefined || !isUsable(entry, reader)) return
    if (!hold.take(entry.vector.byteLength)) isTooMuch = true
    else entries.set(number, entry)
    if (isToCopy) copy({ name, sealed }, entry, edge)
    if (isTooMuch || entries.size === names.length) whole.resolve()
  }

  return {
    async add(found) {
      await Promise.all((await found).map(open))
    },
    isWhole: whole.promise,
    end() {
      isOver = true
      return { entries, isTooMuch, unreadable }
    },
  }
}

function readerOf(context: InputsNamed, keeping: Kept, edge: Edge): EmbeddingReader {
  const { maxAgeSeconds } = context.narrowing.cache
  return {
    model: context.embeddings.model,
    modelVersion: context.modelVersion,
    allowedPools: new Set(context.placement.pools.map(({ pool }) => pool.id)),
    maxAgeSeconds: Math.min(keeping.ttlSeconds, maxAgeSeconds ?? Number.POSITIVE_INFINITY),
    distrusted: distrustedTimes(edge.mesh.config.distrust),
    nowMs: edge.runtime.now(),
  }
}

function copy(sealed: SealedEmbedding, { expiresAtMs }: EmbeddingEntry, edge: Edge): void {
  const secondsLeft = (expiresAtMs - edge.runtime.now()) / 1000
  edge.waitUntil(
    writeCopy(answersOf(edge), sealed, secondsLeft).catch(() =>
      edge.runtime.log({ event: 'storage_error', object: 'embedding', what: 'not_promoted' }),
    ),
  )
}

function answersOf(edge: Edge): KVNamespace {
  return edge.runtime.answers(edge.mesh.env.ANSWERS)
}

async function asNotToCopy(found: Promise<readonly SealedEmbedding[]>): Promise<readonly FoundEmbedding[]> {
  return (await found).map((embedding) => ({ ...embedding, isToCopy: false }))
}
