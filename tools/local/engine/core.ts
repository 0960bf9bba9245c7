/** The parts of one engine, put together. */
import { createAccounts, type Accounts } from './accounts.ts'
import { createFaultBox, type FaultBox } from './faults.ts'
import type { EngineSettings } from './options.ts'
import { createPrefixCache, type PrefixCache } from './prefix-cache.ts'
import { seededRandom, type Random } from './random.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'

export interface Core {
  readonly settings: EngineSettings
  readonly scheduler: Scheduler
  readonly cache: PrefixCache
  readonly faults: FaultBox
  readonly accounts: Accounts
  readonly random: Random
  /** The requests in the running batch: what they hold of the KV cache, a shared prompt once. */
  readonly sequences: Set<Sequence>
}

export interface Sequence {
  tokens: number
}

/** The same words as the JSON of /admin/stats. */
export interface EngineStats {
  readonly requests: number
  readonly generations: number
  readonly embeddings: number
  readonly prompt_tokens_computed: number
  readonly prompt_tokens_cached: number
  readonly tokens_generated: number
  readonly running: number
  readonly aborted: number
}

export function createCore(settings: EngineSettings): Core {
  const random = settings.seed === undefined ? Math.random : seededRandom(settings.seed)
  return {
    settings,
    scheduler: createScheduler(settings),
    cache: createPrefixCache({ blockSizeTokens: settings.blockSize, capacityBlocks: settings.kvCacheSize }),
    faults: createFaultBox(random),
    accounts: createAccounts(),
    random,
    sequences: new Set(),
  }
}

export function statsOf(core: Core): EngineStats {
  const { accounts } = core
  return {
    requests: accounts.requests,
    generations: accounts.generations,
    embeddings: accounts.embeddings,
    prompt_tokens_computed: accounts.promptTokensComputed,
    prompt_tokens_cached: accounts.promptTokensCached,
    tokens_generated: accounts.tokensGenerated,
    running: core.scheduler.running(),
    aborted: accounts.aborted,
  }
}
