/**
 * What an isolate has learned of the pools, by the region they are seen from. It outlives the object that learned it: the log
 * shards of an isolate know together what each of them has seen, while what each has under way is its own, and ends with it.
 */
import { createHotAnchors, type HotAnchors } from '../../shared/affinity/hot-anchors.ts'
import { createWarmth, type Warmth } from '../../shared/affinity/warmth.ts'
import type { PoolState } from '../../shared/pool/snapshot.ts'
import type { TokenRatio } from '../../shared/pool/token-ratio.ts'

export type Learned = Pick<PoolState, 'measures' | 'shared'>

export interface RegionMemory {
  /** By pool id. */
  readonly pools: Map<string, Learned>
  /** By model id. */
  readonly tokenRatios: Map<string, TokenRatio>
  readonly warmth: Warmth
  readonly hotAnchors: HotAnchors
  /** When the newest snapshot that was taken was put together; undefined while there is none. */
  snapshotAtMs: number | undefined
}

export interface PoolMemory {
  seenFrom(region: string): RegionMemory
  /** Of embeddings: how long they take says nothing of a first token. */
  embeddingsFrom(region: string): RegionMemory
}

export function createPoolMemory(): PoolMemory {
  const generations = new Map<string, RegionMemory>()
  const embeddings = new Map<string, RegionMemory>()
  function memoryIn(known: Map<string, RegionMemory>, region: string): RegionMemory {
    const memory = known.get(region) ?? emptyMemory()
    known.set(region, memory)
    return memory
  }
  return {
    seenFrom: (region) => memoryIn(generations, region),
    embeddingsFrom: (region) => memoryIn(embeddings, region),
  }
}

function emptyMemory(): RegionMemory {
  return {
    pools: new Map(),
    tokenRatios: new Map(),
    warmth: createWarmth(),
    hotAnchors: createHotAnchors(),
    snapshotAtMs: undefined,
  }
}
