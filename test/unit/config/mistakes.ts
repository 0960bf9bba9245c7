/** What a row of a table of config mistakes is, and how it is tried. */
import type { MeshMode } from '../../../shared/config/mode.ts'
import { checkMeshConfig, describeProblem } from '../../../shared/config/parse.ts'
import { configWith } from './valid-config.ts'
import type { Edit } from './valid-config.ts'

export interface Mistake {
  readonly mistake: string
  readonly edits: readonly Edit[]
  /** Without it, cloudflare. */
  readonly mode?: MeshMode
  readonly prints: readonly string[]
}

/** The lines that the valid config prints after some edits. */
export function linesFor(edits: readonly Edit[], mode: MeshMode = { kind: 'cloudflare' }): readonly string[] {
  const result = checkMeshConfig(configWith(...edits), { mode })
  return result.ok ? [] : result.error.map(describeProblem)
}
