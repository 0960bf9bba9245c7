/** The parts of one engine, put together, and what it has done. */
import { createFaultBox, type FaultBox, type Faults } from '../local/engine/faults.ts'
import type { LoadedModel } from './model.ts'
import { createSlots, type Slots } from './slots.ts'

export interface Server {
  /** The name in answers. Requests may name any other: like llama-server with one model, it does not look. */
  readonly alias: string
  readonly model: LoadedModel
  readonly slots: Slots
  readonly faults: FaultBox
  readonly accounts: Accounts
}

/** Those of the simulated engine's that a real one can do on demand. */
export type RealFaults = Pick<Faults, 'die_after_tokens' | 'stall_after_tokens' | 'status' | 'times'>

/** The simulated engine's words. */
export interface RealEngineStats {
  /** To the two routes that generate, counted on arrival. */
  readonly requests: number
  /** Those that got a slot. */
  readonly generations: number
  readonly prompt_tokens_computed: number
  readonly prompt_tokens_cached: number
  readonly tokens_generated: number
  /** Slots taken. */
  readonly running: number
  /** Requests whose client left before their answer was complete. */
  readonly aborted: number
  /** Generations that ended with a finish. */
  readonly completed: number
}

interface Accounts {
  requests: number
  generations: number
  promptTokensComputed: number
  promptTokensCached: number
  tokensGenerated: number
  aborted: number
  completed: number
}

export function createServer(alias: string, model: LoadedModel): Server {
  return {
    alias,
    model,
    slots: createSlots(model.sequences),
    // No fault here has a rate.
    faults: createFaultBox(() => 0),
    accounts: {
      requests: 0,
      generations: 0,
      promptTokensComputed: 0,
      promptTokensCached: 0,
      tokensGenerated: 0,
      aborted: 0,
      completed: 0,
    },
  }
}

export function statsOf({ accounts, slots }: Server): RealEngineStats {
  return {
    requests: accounts.requests,
    generations: accounts.generations,
    prompt_tokens_computed: accounts.promptTokensComputed,
    prompt_tokens_cached: accounts.promptTokensCached,
    tokens_generated: accounts.tokensGenerated,
    running: slots.running(),
    aborted: accounts.aborted,
    completed: accounts.completed,
  }
}
