/** Reads the command line: llm-d-inference-sim's flag names, in vLLM's spelling; times in ms. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { EngineOptions, RttMatrix } from './options.ts'
import { isObject } from '../../../shared/is-object.ts'

interface FlagRule {
  readonly option: keyof EngineOptions
  readonly kind: 'count' | 'positive' | 'port' | 'duration' | 'factor' | 'text' | 'names' | 'matrix'
  readonly help: string
}

const FLAGS: Readonly<Record<string, FlagRule>> = {
  port: { option: 'port', kind: 'port', help: 'port on 127.0.0.1; 0 takes a free one' },
  model: { option: 'model', kind: 'text', help: 'the weights: same model, same text (warmpath-sim)' },
  'served-model-name': {
    option: 'servedModelNames',
    kind: 'names',
    help: 'names that requests use, separated by commas (the model)',
  },
  'max-num-seqs': { option: 'maxNumSeqs', kind: 'positive', help: 'generations at once (8)' },
  'max-waiting-queue-length': {
    option: 'maxWaitingQueueLength',
    kind: 'count',
    help: 'waiting requests before 429 (1000)',
  },
  'max-model-len': { option: 'maxModelLen', kind: 'positive', help: 'prompt and answer, in tokens (131072)' },
  'block-size': { option: 'blockSize', kind: 'positive', help: 'tokens in a cache block (16)' },
  'kv-cache-size': { option: 'kvCacheSize', kind: 'count', help: 'cache blocks (16384)' },
  'prefill-overhead': {
    option: 'prefillOverheadMs',
    kind: 'duration',
    help: 'ms before every first token (0)',
  },
  'prefill-time-per-token': {
    option: 'prefillTimePerTokenMs',
    kind: 'duration',
    help: 'ms per uncached prompt token (0)',
  },
  'inter-token-latency': { option: 'interTokenLatencyMs', kind: 'duration', help: 'ms between tokens (0)' },
  'time-factor-under-load': {
    option: 'timeFactorUnderLoad',
    kind: 'factor',
    help: 'how much slower a full batch is, 1 or more (1)',
  },
  seed: { option: 'seed', kind: 'count', help: 'makes unseeded sampling repeat' },
  region: { option: 'region', kind: 'text', help: 'where the engine seems to stand' },
  'rtt-matrix': {
    option: 'rttMatrix',
    kind: 'matrix',
    help: 'round trips in ms, {"eu-central":{"us-east":92}}: JSON or a file',
  },
  'api-key': { option: 'apiKey', kind: 'text', help: 'bearer token that /v1 needs' },
}

export type Parsed = { readonly help: true } | { readonly help: false; readonly options: EngineOptions }

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
  const options: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries(FLAGS)) {
    const text = values[name]
    if (typeof text !== 'string') continue
    const read = READERS[rule.kind](text)
    if (read === undefined) return err(`--${name} must be ${EXPECTED[rule.kind]}: ${rule.help}`)
    options[rule.option] = read
  }
  return ok({ help: false, options })
}

export function helpText(): string {
  const lines = Object.entries(FLAGS).map(([name, { help }]) => `  --${name.padEnd(26)} ${help}`)
  return ['A simulated inference engine that answers as vLLM does.', '', ...lines, ''].join('\n')
}

const EXPECTED: Readonly<Record<FlagRule['kind'], string>> = {
  count: 'a whole number from 0',
  positive: 'a whole number from 1',
  port: 'a port number',
  duration: 'a number from 0',
  factor: 'a number from 1',
  text: 'a text',
  names: 'a list of names',
  matrix: 'JSON, or the path of a JSON file, of regions to regions to ms',
}

const READERS: Readonly<Record<FlagRule['kind'], (text: string) => unknown>> = {
  count: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
  positive: (text) => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined),
  port: (text) => (/^\d{1,5}$/.test(text) && Number(text) < 65536 ? Number(text) : undefined),
  duration: readDecimal,
  factor: (text) => ((readDecimal(text) ?? 0) >= 1 ? readDecimal(text) : undefined),
  text: (text) => (text === '' ? undefined : text),
  names: (text) => (text.split(',').every((name) => name !== '') ? text.split(',') : undefined),
  matrix: readMatrix,
}

function readDecimal(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

function readMatrix(text: string): RttMatrix | undefined {
  try {
    const json: unknown = JSON.parse(text.trimStart().startsWith('{') ? text : readFileSync(text, 'utf8'))
    return isMatrix(json) ? json : undefined
  } catch {
    // Not JSON, or no such file: the caller's line says what is right.
    return undefined
  }
}

function isMatrix(json: unknown): json is RttMatrix {
  return (
    isObject(json) && Object.values(json).every((row) => isObject(row) && Object.values(row).every(isTime))
  )
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}
