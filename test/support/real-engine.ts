/** The real engine for tests, with the smallest real model; or why there is none here. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { loadLlama } from '../../tools/real-engine/llama.ts'
import {
  startRealEngine,
  type RealEngine,
  type RealEngineOptions,
} from '../../tools/real-engine/start-real-engine.ts'

export type { RealEngine }
export type RealEngineSetup = { readonly start: Start } | { readonly skip: string }

/** On a free port, unless told otherwise. Whoever starts one closes it. */
type Start = (options?: Omit<RealEngineOptions, 'modelFile'>) => Promise<RealEngine>

const MODEL = 'models/stories260K.gguf'

/** The story model's file, whether it is there or not. */
export const MODEL_FILE = path.join(process.env['WARMPATH_DATA'] ?? '', MODEL)

/**
 * `describe.skipIf('skip' in setup)`. Says on the console why tests are skipped; where they must not be, with
 * `WARMPATH_REAL_ENGINE=required`, throws instead.
 */
export async function realEngine(): Promise<RealEngineSetup> {
  const skip = await missing()
  if (skip === undefined)
    return { start: (options) => startRealEngine({ modelFile: MODEL_FILE, ...options }) }
  if (process.env['WARMPATH_REAL_ENGINE'] === 'required') throw new Error(`No real engine: ${skip}`)
  console.warn(`Tests with a real engine are skipped: ${skip}`)
  return { skip }
}

async function missing(): Promise<string | undefined> {
  const llama = await loadLlama()
  if (!llama.ok) return llama.error
  if (process.env['WARMPATH_DATA'] === undefined) return `WARMPATH_DATA does not say where ${MODEL} is.`
  return existsSync(MODEL_FILE) ? undefined : `There is no ${MODEL} in WARMPATH_DATA.`
}
