/** Reads what a local start was asked for: which config, and what its pools are. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { err, ok, type Result } from '../../shared/result.ts'
import { PROJECT_DIR } from '../build/wrangler.ts'
import { missingPart } from '../real-engine/llama.ts'
import type { EngineKind } from './engines.ts'

/** `own`: the config's pools are there already. */
export type LocalEngine = EngineKind | 'own'

export interface StartArguments {
  /** The config. */
  readonly file: string
  readonly engine: LocalEngine
}

const FLAGS = { config: { type: 'string' }, engine: { type: 'string' }, model: { type: 'string' } } as const

/** The error is a sentence for the person who typed them. */
export function readArguments(args: readonly string[]): Result<StartArguments, string> {
  let values: { config?: string; engine?: string; model?: string }
  try {
    values = parseArgs({ args: [...args], options: FLAGS }).values
  } catch (error) {
    // parseArgs names the flag in its message's first sentence.
    return err(error instanceof Error ? (error.message.split('\n')[0] ?? 'wrong flags') : 'wrong flags')
  }
  const { config, engine, model } = values
  if (config !== undefined) {
    if (engine !== undefined || model !== undefined) {
      return err('With --config the pools are your own: leave out --engine and --model.')
    }
    return ok({ file: path.resolve(config), engine: 'own' })
  }
  const kind = readEngine(engine, model)
  return kind.ok ? ok({ file: path.join(PROJECT_DIR, 'mesh.toml'), engine: kind.value }) : kind
}

function readEngine(engine = 'simulated', model?: string): Result<EngineKind, string> {
  if (engine === 'simulated' && model === undefined) return ok(engine)
  if (engine !== 'llama') return err('--engine is simulated (the default), or llama with --model FILE.gguf.')
  if (model === undefined) return err('--engine llama needs --model FILE.gguf.')
  const modelFile = path.resolve(model)
  if (!existsSync(modelFile)) return err(`There is no model file at ${modelFile}.`)
  const missing = missingPart()
  return missing === undefined ? ok({ modelFile }) : err(missing)
}
