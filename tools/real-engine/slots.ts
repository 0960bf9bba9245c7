/** Hands out the sequences of a context as llama-server does its slots: to the prompt that finds most of itself there. */
import type { LlamaSequence } from './llama.ts'

export interface Slots {
  /** Waits for its turn, first come first served and without limit; undefined when the signal aborts before it. */
  take(prompt: readonly number[], signal: AbortSignal): Promise<Lease | undefined>
  /** How many are taken. */
  running(): number
}

export interface Lease {
  readonly sequence: LlamaSequence
  /** Once. */
  release(): void
}

interface Slot {
  readonly sequence: LlamaSequence
  isTaken: boolean
  lastUsed: number
}

interface Waiting {
  readonly prompt: readonly number[]
  serve(slot: Slot): void
}

/** llama-server's `--slot-prompt-similarity`: less of a prompt than this is not worth another prompt's place. */
const MIN_SIMILARITY = 0.1

export function createSlots(sequences: readonly LlamaSequence[]): Slots {
  const slots = sequences.map((sequence): Slot => ({ sequence, isTaken: false, lastUsed: 0 }))
  const queue = new Set<Waiting>()
  let uses = 0

  function serveNext(): void {
    const [next] = queue
    if (next === undefined) return
    const slot = bestFree(slots, next.prompt)
    if (slot === undefined) return
    queue.delete(next)
    slot.isTaken = true
    next.serve(slot)
  }

  function lease(slot: Slot): Lease {
    return {
      sequence: slot.sequence,
      release() {
        slot.isTaken = false
        slot.lastUsed = uses += 1
        serveNext()
      },
    }
  }

  return {
    running: () => slots.filter(({ isTaken }) => isTaken).length,
    take: (prompt, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve(undefined)
        const leave = () => {
          queue.delete(waiting)
          resolve(undefined)
        }
        const waiting: Waiting = {
          prompt,
          serve(slot) {
            signal.removeEventListener('abort', leave)
            resolve(lease(slot))
          },
        }
        signal.addEventListener('abort', leave, { once: true })
        queue.add(waiting)
        serveNext()
        return undefined
      }),
  }
}

/** The one with the longest beginning of the prompt, or else the one that was left alone longest. */
function bestFree(slots: readonly Slot[], prompt: readonly number[]): Slot | undefined {
  const free = slots.filter(({ isTaken }) => !isTaken)
  const known = free.map((slot) => ({ slot, tokens: commonTokens(slot.sequence, prompt) }))
  const [warmest] = known.toSorted((a, b) => b.tokens - a.tokens)
  if (warmest !== undefined && warmest.tokens >= MIN_SIMILARITY * prompt.length) return warmest.slot
  return free.toSorted((a, b) => a.lastUsed - b.lastUsed)[0]
}

function commonTokens(sequence: LlamaSequence, prompt: readonly number[]): number {
  return sequence.compareContextTokens(prompt).firstDifferentIndex
}
