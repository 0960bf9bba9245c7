/**
 * Bytes of vectors that one request holds. They are taken from the same budget as bodies: a few batches of thousands of
 * vectors would otherwise end the isolate, and everybody else's requests with it.
 */
import type { BodyBudget } from '../stores/body-budget.ts'

export interface VectorHold {
  /** Takes the room for so many bytes more, or says that there is none. */
  take(bytes: number): boolean
  /** Gives all of it back; once. */
  release(): void
}

export function createVectorHold(budget: BodyBudget): VectorHold {
  let heldBytes = 0
  return {
    take(bytes) {
      if (!budget.take(bytes)) return false
      heldBytes += bytes
      return true
    },
    release() {
      budget.give(heldBytes)
      heldBytes = 0
    },
  }
}
