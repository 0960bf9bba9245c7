/** What a config that is right must not be deployed with: another mode than Cloudflare's, what can pretend, keys that others have. */
import { formatMeshMode, type MeshMode } from '../../shared/config/mode.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { keyMistakes } from '../serve/key-mistakes.ts'

export interface Deploy {
  readonly config: MeshConfig
  readonly mode: MeshMode
  /** Names of the variables that wrangler.toml sets. */
  readonly variables: readonly string[]
  /** Keys that a local start made, or that stand in this repository. */
  readonly known: ReadonlySet<string>
}

const DEV_PREFIX = 'MESH_DEV_'
/** It would take the place of the mesh.toml that was checked. */
const CONFIG_VARIABLE = 'MESH_CONFIG'

/** A sentence for each. */
export function deployMistakes({ config, mode, variables, known }: Deploy): readonly string[] {
  return [
    ...(mode.kind === 'cloudflare'
      ? []
      : [`MESH_MODE is "${formatMeshMode(mode)}"; only "cloudflare" can be deployed.`]),
    ...variables
      .filter((name) => name.startsWith(DEV_PREFIX))
      .map((name) => `wrangler.toml: ${name} is for a local start only: remove it.`),
    ...(variables.includes(CONFIG_VARIABLE)
      ? [`wrangler.toml: ${CONFIG_VARIABLE} would replace the mesh.toml that was checked: remove it.`]
      : []),
    ...keyMistakes(config, known),
  ]
}
