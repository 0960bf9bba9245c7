/** The only time the engine knows; tests bring their own. */
import { setImmediate } from 'node:timers/promises'

export interface Clock {
  /** Monotonic. */
  nowMs(): number
  /** Since 1970, for `created`. */
  epochMs(): number
  /** Resolves after the time, or as soon as the signal aborts; never rejects. May wake a little early. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>
  /** Lets sockets be read, so that a generation without latency still notices that its client left. */
  yieldToOthers(): Promise<void>
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
  sleep: (durationMs, signal) =>
    new Promise((resolve) => {
      if (signal.aborted || durationMs <= 0) return resolve()
      const finish = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', finish)
        resolve()
      }
      const timer = setTimeout(finish, durationMs)
      signal.addEventListener('abort', finish)
    }),
  yieldToOthers: () => setImmediate(),
}

/** Returns at once when the time has come, and before it only when the signal aborts. */
export async function sleepUntil(clock: Clock, dueMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && clock.nowMs() < dueMs) await clock.sleep(dueMs - clock.nowMs(), signal)
}
