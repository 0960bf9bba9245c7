/** A runtime whose clock stands still until a test moves it, and whose network is a function. */
import { productionRuntime, type Runtime } from '../../../workers/runtime.ts'

export interface TestRuntime extends Runtime {
  advance(ms: number): void
}

export function aRuntime(changes: Partial<Runtime> = {}): TestRuntime {
  let nowMs = 1_000_000
  return {
    ...productionRuntime,
    now: () => nowMs,
    random: () => 0.5,
    send: () => Promise.reject(new TypeError('no network in this test')),
    log: () => undefined,
    ...changes,
    advance(ms) {
      nowMs += ms
    },
  }
}
