/** Ends a node so that nobody who reads is cut off, unless it takes too long. */
import type { RunningWorkerd } from './workerd.ts'

export interface DrainOptions {
  /** Makes /readyz say 503. */
  readonly withdraw: () => void
  /** How long connections are still taken, for a load balancer to notice. */
  readonly noticeMs: number
  /** How long those who read may go on after that. */
  readonly drainMs: number
  /** Resolves when nobody wants to wait any longer. */
  readonly hurry: Promise<unknown>
  readonly wait: (ms: number) => Promise<unknown>
}

/** Resolves when workerd has ended; whether by itself, with every answer whole. */
export async function drain(
  workerd: Pick<RunningWorkerd, 'ended' | 'drain' | 'kill'>,
  { withdraw, noticeMs, drainMs, hurry, wait }: DrainOptions,
): Promise<boolean> {
  let hasEnded = false
  const ended = workerd.ended.then(() => {
    hasEnded = true
  })
  withdraw()
  await Promise.race([ended, hurry, wait(noticeMs)])
  workerd.drain()
  await Promise.race([ended, hurry, wait(drainMs)])
  const isWhole = hasEnded
  if (!isWhole) workerd.kill()
  await ended
  return isWhole
}
