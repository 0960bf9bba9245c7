/** A clock that stands still until it is told to move. */
import type { Clock } from '../../../../tools/local/engine/clock.ts'

export interface FakeClock extends Clock {
  /** Moves the time on, waking sleepers in the order in which they are due. */
  advance(durationMs: number): Promise<void>
}

export function createFakeClock(): FakeClock {
  let nowMs = 0
  const sleepers = new Set<{ readonly dueMs: number; wake(): void }>()

  return {
    nowMs: () => nowMs,
    epochMs: () => 1_700_000_000_000 + nowMs,
    sleep: (durationMs, signal) =>
      new Promise((resolve) => {
        const sleeper = {
          dueMs: nowMs + durationMs,
          wake() {
            sleepers.delete(sleeper)
            resolve()
          },
        }
        sleepers.add(sleeper)
        signal.addEventListener('abort', () => sleeper.wake())
        if (signal.aborted) sleeper.wake()
      }),
    yieldToOthers: settle,
    async advance(durationMs) {
      const endMs = nowMs + durationMs
      for (;;) {
        await settle()
        const next = [...sleepers].toSorted((left, right) => left.dueMs - right.dueMs)[0]
        if (next === undefined || next.dueMs > endMs) break
        nowMs = Math.max(nowMs, next.dueMs)
        next.wake()
      }
      nowMs = endMs
      await settle()
    },
  }
}

/** A clock whose sleeps take no time, and are written down. */
export function createSkippingClock(): Clock & { readonly sleptMs: number[] } {
  const sleptMs: number[] = []
  let nowMs = 0
  return {
    sleptMs,
    nowMs: () => nowMs,
    epochMs: () => 1_700_000_000_000 + nowMs,
    sleep: (durationMs) => {
      if (durationMs > 0) sleptMs.push(durationMs)
      nowMs += durationMs
      return Promise.resolve()
    },
    yieldToOthers: settle,
  }
}

/** Lets everything that can go on without time passing go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
