/** Reads the config a local start runs on and says every mistake in it, each on a line. */
import { readFile } from 'node:fs/promises'
import { describeProblem, parseMeshConfig } from '../../shared/config/parse.ts'
import { err, type Result } from '../../shared/result.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'

export async function readConfig(file: string): Promise<Result<MeshConfig, readonly string[]>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    return err([`${file} cannot be read.`])
  }
  const config = parseMeshConfig(text, { mode: { kind: 'dev' } })
  return config.ok ? config : err(config.error.map(describeProblem))
}
