/** Reads what a node was started with: flags, and a file that says the same things for whoever would rather keep them there. */
import path from 'node:path'
import { parseArgs } from 'node:util'
import { TomlError, parse as parseToml } from 'smol-toml'
import type { z } from 'zod'
import { nodePlaceSchema } from '../../shared/config/node-place.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { text, whole } from '../../shared/schema/config-values.ts'

const MAX_SECONDS = 3600

const seconds = whole(0, MAX_SECONDS)
const nodeSchema = nodePlaceSchema.extend({
  /** Where to listen for HTTP; TLS ends in front of it. */
  listen: text(
    /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.*-]+):[0-9]{1,5}$/,
    'an address and a port, e.g. "0.0.0.0:8787"',
  ).default('127.0.0.1:8787'),
  /** How long /readyz says 503 while connections are still taken, for a load balancer to notice. */
  notice_seconds: seconds.default(2),
  /** How long streams may go on after that. */
  drain_seconds: seconds.default(30),
})

export interface ServeOptions {
  /** Text of MESH_MODE, not yet checked. */
  readonly mode: string | undefined
  readonly configFile: string
  readonly dataDir: string
  /** A bundle that is built already; without it serve builds one. */
  readonly bundleDir: string | undefined
  readonly node: Readonly<z.output<typeof nodeSchema>>
}

/** Where relative paths begin, and what is found at a path. */
export interface OptionSources {
  readonly projectDir: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Undefined where it cannot be read. */
  readonly readText: (file: string) => string | undefined
}

const FLAGS = {
  mode: { type: 'string' },
  config: { type: 'string' },
  node: { type: 'string' },
  data: { type: 'string' },
  bundle: { type: 'string' },
  colo: { type: 'string' },
  country: { type: 'string' },
  continent: { type: 'string' },
  listen: { type: 'string' },
  'notice-seconds': { type: 'string' },
  'drain-seconds': { type: 'string' },
} as const

/** A flag counts more than the file. The error is a sentence for the person who started the node. */
export function readOptions(args: readonly string[], sources: OptionSources): Result<ServeOptions, string> {
  const flags = flagsOf(args)
  if (!flags.ok) return flags
  const { mode, config, node, data, bundle, ...own } = flags.value
  const file = node === undefined ? ok({}) : tableOf(node, sources.readText(path.resolve(node)))
  if (!file.ok) return file
  const given = { ...file.value, ...nodeFlags(own) }
  const parsed = nodeSchema.safeParse(given)
  if (!parsed.success) return err(describeIssue(parsed.error.issues[0], node))
  const { projectDir, environment } = sources
  return ok({
    mode: mode ?? environment['MESH_MODE'],
    configFile: config === undefined ? path.join(projectDir, 'mesh.toml') : path.resolve(config),
    dataDir: data === undefined ? path.join(projectDir, '.warmpath/serve') : path.resolve(data),
    bundleDir: bundle === undefined ? undefined : path.resolve(bundle),
    node: parsed.data,
  })
}

function flagsOf(args: readonly string[]): Result<Partial<Record<keyof typeof FLAGS, string>>, string> {
  try {
    return ok(parseArgs({ args: [...args], options: FLAGS }).values)
  } catch (error) {
    // parseArgs names the flag in its message's first sentence.
    return err(error instanceof Error ? (error.message.split('\n')[0] ?? 'wrong flags') : 'wrong flags')
  }
}

function tableOf(file: string, toml: string | undefined): Result<Record<string, unknown>, string> {
  if (toml === undefined) return err(`${file} cannot be read.`)
  try {
    return ok(parseToml(toml))
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    return err(`${file}, line ${error.line}: the text cannot be read as TOML.`)
  }
}

/** Under the names that the file has. What is no number stays text, which the schema refuses. */
function nodeFlags(flags: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const entries = Object.entries(flags).map(([name, value]) => {
    const isNumber = name.endsWith('-seconds') && /^\d+$/.test(value ?? '')
    return [name.replace('-', '_'), isNumber ? Number(value) : value]
  })
  return Object.fromEntries(entries)
}

function describeIssue(issue: z.core.$ZodIssue | undefined, file: string | undefined): string {
  const where = file ?? 'the flags'
  if (issue?.code === 'unrecognized_keys') {
    const known = Object.keys(nodeSchema.shape).join(', ')
    return `${where}: there is no such key as ${issue.keys.join(', ')}; keys are ${known}.`
  }
  const key = String(issue?.path[0] ?? '')
  return `${where}: ${key} is missing or does not fit; give ${issue?.message ?? 'another value'}.`
}
