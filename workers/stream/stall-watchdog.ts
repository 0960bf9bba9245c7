/**
 * Cuts an upstream that says nothing for too long, or takes too long altogether. Only waiting counts: a reader who
 * is slow to take what is there is not the pool's fault. One timer lives at a time, re-armed when it fires, so that
 * an upstream read costs an assignment, not a timer.
 */
import type { Runtime } from '../runtime.ts'

export interface StallWatchdog {
  /** A read has begun. */
  waiting(): void
  /** The read brought something. */
  arrived(): void
  /** The stream is over. */
  stop(): void
}

export interface StallWatchdogOptions {
  /** Longest wait between two reads, in milliseconds. */
  readonly idleMs: number
  /** When the stream must be over, milliseconds since the epoch. */
  readonly endsByMs: number
  readonly onCut: (why: 'stalled' | 'timed_out') => void
  readonly runtime: Pick<Runtime, 'now'>
}

export function createStallWatchdog(options: StallWatchdogOptions): StallWatchdog {
  const { idleMs, endsByMs, onCut, runtime } = options
  let waitingSinceMs: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  function arm(): void {
    const nowMs = runtime.now()
    const idleLeftMs = (waitingSinceMs ?? nowMs) + idleMs - nowMs
    timer = setTimeout(check, Math.max(1, Math.min(idleLeftMs, endsByMs - nowMs)))
  }

  function check(): void {
    const nowMs = runtime.now()
    if (nowMs >= endsByMs) onCut('timed_out')
    else if (waitingSinceMs !== undefined && nowMs - waitingSinceMs >= idleMs) onCut('stalled')
    else arm()
  }

  return {
    waiting() {
      waitingSinceMs = runtime.now()
      if (timer === undefined) arm()
    },
    arrived() {
      waitingSinceMs = undefined
    },
    stop() {
      clearTimeout(timer)
    },
  }
}
