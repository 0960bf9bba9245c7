/**
 * The logs a shard has in memory, by fingerprint: those being made, and the one that is kept. Whatever is not being made may
 * be forgotten at any time; it is in the database.
 */
import type { Generation } from './generation.ts'

export interface Slot {
  /** Newest first. */
  readonly takes: readonly Generation[]
  /** How often each was replayed since it is in memory, by take. */
  readonly hits: Map<string, number>
  add(generation: Generation): void
  /** What was kept under the fingerprint is not current any more: `generation` is. */
  replaceBy(generation: Generation): void
  remove(generation: Generation): void
}

export interface LogSlots {
  /** The slot of a fingerprint, with what is kept of it loaded. */
  open(fingerprint: string, load: () => Promise<Generation | undefined>): Promise<Slot>
  /** A slot that is in memory. */
  peek(fingerprint: string): Slot | undefined
  /** Characters of all logs that are being made. */
  openSize(): number
}

interface KeptSlot extends Slot {
  loaded: Promise<void>
}

/** Logs that are not being made are kept in memory up to this many characters: what is read once is often read again. */
const MAX_IDLE_SIZE = 8 * 1024 * 1024
const MAX_SLOTS = 4096

export function createLogSlots(): LogSlots {
  // In the order of their use, the longest unused first.
  const slots = new Map<string, KeptSlot>()

  function trim(): void {
    let idle = 0
    for (const { takes } of slots.values()) for (const { log, isIdle } of takes) if (isIdle) idle += log.size
    for (const [fingerprint, { takes }] of slots) {
      if (idle <= MAX_IDLE_SIZE && slots.size <= MAX_SLOTS) return
      if (takes.some(({ isIdle, readers }) => !isIdle || readers.size > 0)) continue
      for (const { log } of takes) idle -= log.size
      slots.delete(fingerprint)
    }
  }

  return {
    async open(fingerprint, load) {
      let slot = slots.get(fingerprint)
      if (slot === undefined) {
        const created = createSlot()
        // An object's events share one context, so that one may wait for what another has begun.
        created.loaded = load().then((generation) => {
          if (generation !== undefined) created.add(generation)
        })
        slot = created
      }
      slots.delete(fingerprint)
      slots.set(fingerprint, slot)
      await slot.loaded
      trim()
      return slot
    },
    peek: (fingerprint) => slots.get(fingerprint),
    openSize() {
      let size = 0
      for (const { takes } of slots.values())
        for (const { size: held, isIdle } of takes) if (!isIdle) size += held
      return size
    },
  }
}

function createSlot(): KeptSlot {
  let takes: Generation[] = []
  return {
    loaded: Promise.resolve(),
    hits: new Map(),
    get takes() {
      return takes
    },
    add(generation) {
      takes = [generation, ...takes]
    },
    replaceBy(generation) {
      takes = takes.filter((other) => other === generation || !other.isIdle || other.readers.size > 0)
    },
    remove(generation) {
      takes = takes.filter((other) => other !== generation)
    },
  }
}
