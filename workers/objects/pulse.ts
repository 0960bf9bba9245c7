/**
 * One timer for all who want to do something every so often. An object's events share one queue of timers, of which workerd
 * fires some 800 a second, whatever they do (measured): a timer for each of a thousand readers would let nothing else happen.
 */
export interface Pulse {
  /** Calls `onBeat` at every beat, until the function that is returned is called. */
  listen(onBeat: () => void): () => void
}

/** For one object: its timer belongs to the context of whoever listens first. */
export function createPulse(everyMs: number): Pulse {
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setInterval> | undefined

  function beat(): void {
    for (const onBeat of listeners) {
      try {
        onBeat()
      } catch {
        // Its stream is closed: the others beat on.
        listeners.delete(onBeat)
      }
    }
  }

  return {
    listen(onBeat) {
      listeners.add(onBeat)
      timer ??= setInterval(beat, everyMs)
      return () => {
        if (!listeners.delete(onBeat) || listeners.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
  }
}
