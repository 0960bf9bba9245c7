/**
 * Bytes of request bodies that one isolate holds at a time. Isolates have 128 MB and are shared by all tenants, so
 * large bodies are admitted against a budget instead of being allowed to end the isolate.
 */
export interface BodyBudget {
  /** Takes `bytes` more for one request, or says that there is no room. */
  take(bytes: number): boolean
  give(bytes: number): void
}

export function createBodyBudget(totalBytes: number): BodyBudget {
  let heldBytes = 0
  return {
    take(bytes) {
      if (heldBytes + bytes > totalBytes) return false
      heldBytes += bytes
      return true
    },
    give(bytes) {
      heldBytes -= bytes
    },
  }
}
