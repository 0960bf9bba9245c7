/** Reads the text of mesh.toml and returns a config that is right in itself, or everything that is wrong with it. */
import { TomlError, parse as parseToml } from 'smol-toml'
import { err, ok } from '../result.ts'
import type { Result } from '../result.ts'
import type { MeshConfig } from '../schema/mesh.ts'
import { checkDraft } from './check.ts'
import { draftOf } from './draft.ts'
import type { MeshMode } from './mode.ts'
import type { ConfigProblem } from './problem.ts'
import { checkShape, shapeProblems } from './shape.ts'

export { describeProblem } from './problem.ts'
export type { ConfigProblem } from './problem.ts'

/** Deeper than any key of the schema; keeps a hostile text from exhausting the stack. */
const MAX_DEPTH = 64

/**
 * Reads TOML, or JSON if the text begins with a brace, and checks it. Never throws.
 * @returns the config with its defaults, or all its problems in the order of the file's sections
 */
export function parseMeshConfig(
  text: string,
  options: { readonly mode: MeshMode },
): Result<MeshConfig, readonly ConfigProblem[]> {
  // Some editors begin a file with a byte order mark, which neither format allows.
  const plain = text.replace(/^\ufeff/, '')
  const value = plain.trimStart().startsWith('{') ? readJson(plain) : readToml(plain)
  return value.ok ? checkMeshConfig(value.value, options) : err([value.error])
}

/** Checks a config that was read already, such as one built in a test. Never throws. */
export function checkMeshConfig(
  value: unknown,
  options: { readonly mode: MeshMode },
): Result<MeshConfig, readonly ConfigProblem[]> {
  const shape = checkShape(value)
  const problems = shape.success ? [] : shapeProblems(value, shape.error.issues)
  problems.push(...checkDraft(draftOf(value, shape.data), options.mode))
  return shape.success && problems.length === 0 ? ok(shape.data) : err(problems)
}

function readToml(text: string): Result<unknown, ConfigProblem> {
  try {
    return ok(parseToml(text, { maxDepth: MAX_DEPTH }))
  } catch (error) {
    if (!(error instanceof TomlError)) return err(unreadable('mesh.toml', 'TOML'))
    const [reason = ''] = error.message.replace('Invalid TOML document: ', '').split('\n')
    return err(unreadable(`line ${error.line}, column ${error.column}`, 'TOML', reason))
  }
}

function readJson(text: string): Result<unknown, ConfigProblem> {
  try {
    return ok(JSON.parse(text))
  } catch (error) {
    // V8 words it "… at position 17 …", and leaves that out where the text ends too early.
    const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
    return err(unreadable(placeOf(text, position === undefined ? text.length : Number(position)), 'JSON'))
  }
}

function placeOf(text: string, position: number): string {
  const lines = text.slice(0, position).split('\n')
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}

function unreadable(path: string, format: string, reason?: string): ConfigProblem {
  return {
    path,
    found: `the text cannot be read as ${format}`,
    expected:
      reason === undefined || reason === '' ? `correct the ${format} there` : `the reader says: ${reason}`,
  }
}
