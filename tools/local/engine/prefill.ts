/** The time that a prompt takes before there is anything to say. */
import { observe } from './accounts.ts'
import { sleepUntil } from './clock.ts'
import type { Core } from './core.ts'
import { timeToFirstTokenMs } from './timing.ts'

export interface Prefill {
  readonly begunMs: number
  readonly uncachedTokens: number
  readonly slowFactor: number
  readonly signal: AbortSignal
}

/** When the prompt was computed, by the clock; undefined when the client left before. Counts what was computed. */
export async function prefill(core: Core, run: Prefill): Promise<number | undefined> {
  const { accounts, scheduler, settings } = core
  const { clock, timing } = settings
  const { begunMs, uncachedTokens, slowFactor, signal } = run
  const load = { running: scheduler.running(), slowFactor }
  const takesMs = timeToFirstTokenMs(timing, uncachedTokens, load)
  await sleepUntil(clock, begunMs + takesMs, signal)
  if (signal.aborted) {
    // The part of the prompt that was computed for nothing.
    const done = Math.min(1, (clock.nowMs() - begunMs) / takesMs)
    accounts.promptTokensComputed += Number.isFinite(done)
      ? Math.floor(done * uncachedTokens)
      : uncachedTokens
    return undefined
  }
  accounts.promptTokensComputed += uncachedTokens
  observe(accounts.prefillTime, clock.nowMs() - begunMs)
  return begunMs + takesMs
}
