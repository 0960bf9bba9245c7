/** Reads a config as a deploy would, and says what is wrong with it, or what it allows. */
import { parseMeshMode, type MeshMode } from '../../shared/config/mode.ts'
import { describeProblem, parseMeshConfig } from '../../shared/config/parse.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { fromRoot, modeOfWrangler, readText } from './files.ts'

export interface ReadConfig {
  readonly config: MeshConfig
  readonly mode: MeshMode
}

/** Without a file, the mesh.toml of this checkout; without a mode, that of wrangler.toml. Fails with lines for a person. */
export function readConfigFile(
  options: { readonly file?: string | undefined; readonly mode?: string | undefined },
  read: (file: string) => string | undefined = readText,
): Result<ReadConfig, readonly string[]> {
  const mode = parseMeshMode(options.mode ?? modeOfWrangler())
  if (!mode.ok) return err([mode.error])
  const text = read(options.file ?? fromRoot('mesh.toml'))
  if (text === undefined) return err([`${options.file ?? 'mesh.toml'} cannot be read.`])
  const config = parseMeshConfig(text, { mode: mode.value })
  return config.ok ? ok({ config: config.value, mode: mode.value }) : err(config.error.map(describeProblem))
}
