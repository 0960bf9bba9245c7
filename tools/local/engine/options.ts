/** What an engine can be told, and what it is without being told. */
import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import type { Timing } from './timing.ts'

export interface EngineOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** The weights: engines of the same model write the same text, whatever name they serve it under. */
  readonly model?: string
  /** The names that requests use; the first is the one in answers. Without it, the model's. */
  readonly servedModelNames?: readonly string[]
  readonly maxNumSeqs?: number
  readonly maxWaitingQueueLength?: number
  readonly maxModelLen?: number
  readonly blockSize?: number
  /** In blocks. */
  readonly kvCacheSize?: number
  readonly prefillOverheadMs?: number
  readonly prefillTimePerTokenMs?: number
  readonly interTokenLatencyMs?: number
  readonly timeFactorUnderLoad?: number
  /** Makes unseeded sampling and fault rates repeat. */
  readonly seed?: number
  readonly region?: string
  readonly rttMatrix?: RttMatrix
  /** When set, /v1 routes need it as a bearer token. */
  readonly apiKey?: string
  readonly clock?: Clock
}

/** Round-trip times in ms between regions; one of the two directions is enough. */
export type RttMatrix = Readonly<Record<string, Readonly<Record<string, number>>>>

export interface EngineSettings {
  readonly port: number
  readonly model: string
  readonly servedModelName: string
  readonly servedModelNames: readonly string[]
  readonly maxNumSeqs: number
  readonly maxWaitingQueueLength: number
  readonly maxModelLen: number
  readonly blockSize: number
  readonly kvCacheSize: number
  readonly timing: Timing
  readonly seed: number | undefined
  readonly region: string | undefined
  readonly rttMatrix: RttMatrix
  readonly apiKey: string | undefined
  readonly clock: Clock
}

export function settle(options: EngineOptions): EngineSettings {
  const model = options.model ?? 'warmpath-sim'
  const maxNumSeqs = options.maxNumSeqs ?? 8
  const servedModelNames = options.servedModelNames ?? [model]
  return {
    port: options.port ?? 0,
    model,
    servedModelName: servedModelNames[0] ?? model,
    servedModelNames,
    maxNumSeqs,
    // llm-d-inference-sim's defaults, except for its context of 1024, too short for the prompts of interest.
    maxWaitingQueueLength: options.maxWaitingQueueLength ?? 1000,
    maxModelLen: options.maxModelLen ?? 131_072,
    blockSize: options.blockSize ?? 16,
    kvCacheSize: options.kvCacheSize ?? 16_384,
    timing: {
      prefillOverheadMs: options.prefillOverheadMs ?? 0,
      prefillTimePerTokenMs: options.prefillTimePerTokenMs ?? 0,
      interTokenLatencyMs: options.interTokenLatencyMs ?? 0,
      timeFactorUnderLoad: options.timeFactorUnderLoad ?? 1,
      maxNumSeqs,
    },
    seed: options.seed,
    region: options.region,
    rttMatrix: options.rttMatrix ?? {},
    apiKey: options.apiKey,
    clock: options.clock ?? systemClock,
  }
}

/** The round trip between the engine's region and another; 0 where either is unknown. */
export function rttMs(
  settings: Pick<EngineSettings, 'region' | 'rttMatrix'>,
  from: string | undefined,
): number {
  const { region, rttMatrix } = settings
  if (region === undefined || from === undefined) return 0
  return lookUp(rttMatrix, region, from) ?? lookUp(rttMatrix, from, region) ?? 0
}

function lookUp(matrix: RttMatrix, from: string, to: string): number | undefined {
  if (!Object.hasOwn(matrix, from)) return undefined
  const row = matrix[from] ?? {}
  return Object.hasOwn(row, to) ? row[to] : undefined
}
