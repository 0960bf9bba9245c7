/** Reads the command line of the engine as a process. */
import { parseArgs } from 'node:util'
import { err, ok, type Result } from '../../shared/result.ts'
import type { RealEngineOptions } from './start-real-engine.ts'

export type Parsed = { readonly help: true } | { readonly help: false; readonly options: RealEngineOptions }

interface FlagRule {
  readonly option: keyof RealEngineOptions
  readonly kind: 'text' | 'port' | 'count'
  readonly help: string
}

const FLAGS: Readonly<Record<string, FlagRule>> = {
  model: { option: 'modelFile', kind: 'text', help: 'the GGUF file' },
  alias: { option: 'alias', kind: 'text', help: "the model's name in answers (the file's)" },
  port: { option: 'port', kind: 'port', help: 'port on 127.0.0.1; 0 takes a free one (0)' },
  'context-tokens': { option: 'contextTokens', kind: 'count', help: 'prompt and answer, in tokens (2048)' },
  slots: { option: 'slots', kind: 'count', help: 'generations at once (4)' },
  threads: { option: 'threads', kind: 'count', help: 'threads of a generation (1)' },
}

const EXPECTED: Readonly<Record<FlagRule['kind'], string>> = {
  text: 'a text',
  port: 'a port number',
  count: 'a whole number from 1',
}

const READERS: Readonly<Record<FlagRule['kind'], (text: string) => string | number | undefined>> = {
  text: (text) => (text === '' ? undefined : text),
  port: (text) => (/^\d{1,5}$/.test(text) && Number(text) < 65_536 ? Number(text) : undefined),
  count: (text) => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined),
}

/** The error is one line for the person who typed the flag. */
export function parseFlags(args: readonly string[]): Result<Parsed, string> {
  const names = Object.keys(FLAGS).map((name) => [name, { type: 'string' as const }])
  const known = { ...Object.fromEntries(names), help: { type: 'boolean' as const } }
  let values: Readonly<Record<string, unknown>>
  try {
    values = parseArgs({ args: [...args], options: known, strict: true, allowPositionals: false }).values
  } catch (error) {
    // parseArgs names the flag in its message's first sentence.
    return err(error instanceof Error ? (error.message.split('\n')[0] ?? 'wrong flags') : 'wrong flags')
  }
  if (values['help'] === true) return ok({ help: true })
  const { model } = values
  if (typeof model !== 'string' || model === '') return err('--model must be given: the GGUF file')
  const options: Record<string, string | number> = {}
  for (const [name, { option, kind, help }] of Object.entries(FLAGS)) {
    const text = values[name]
    if (typeof text !== 'string') continue
    const value = READERS[kind](text)
    if (value === undefined) return err(`--${name} must be ${EXPECTED[kind]}: ${help}`)
    options[option] = value
  }
  return ok({ help: false, options: { ...options, modelFile: model } })
}

export function helpText(): string {
  const lines = Object.entries(FLAGS).map(([name, { help }]) => `  --${name.padEnd(16)} ${help}`)
  return ['A real inference engine: llama.cpp with a GGUF file.', '', ...lines, ''].join('\n')
}
