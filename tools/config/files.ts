/** What the tools that read a config have in common: files, and the mode that a deploy would run in. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse as parseToml } from 'smol-toml'

/** Undefined where it cannot be read: missing, a folder, not permitted, to the caller all the same. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

export function fromRoot(file: string): string {
  return join(import.meta.dirname, '../..', file)
}

/** MESH_MODE of wrangler.toml. */
export function modeOfWrangler(): string | undefined {
  const mode = variablesOfWrangler()['MESH_MODE']
  return typeof mode === 'string' ? mode : undefined
}

/** Of the variables that wrangler.toml sets. */
export function variableNamesOfWrangler(): readonly string[] {
  return Object.keys(variablesOfWrangler())
}

function variablesOfWrangler(): Readonly<Record<string, unknown>> {
  const text = readText(fromRoot('wrangler.toml'))
  const vars = text === undefined ? undefined : parseToml(text)['vars']
  return typeof vars === 'object' && !Array.isArray(vars) && !(vars instanceof Date) ? vars : {}
}
