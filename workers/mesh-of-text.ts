/**
 * The mesh of a config that was not deployed but stored. What the deploy decided stays: mode, place, secrets, and which hosts
 * and bindings there are; the text may use them, and name no others.
 */
import { endpointProblems } from '../shared/config/endpoints.ts'
import { parseNodePlace } from '../shared/config/node-place.ts'
import { describeProblem, parseMeshConfig } from '../shared/config/parse.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { textBinding } from './environment.ts'
import { missingBindings, versionOf, type Mesh } from './mesh.ts'

/** Fails with one line per mistake, for the operator. */
export function meshOfText(text: string, deployed: Mesh): Result<Mesh, readonly string[]> {
  const { mode, env } = deployed
  const config = parseMeshConfig(text, { mode })
  if (!config.ok) return err(config.error.map(describeProblem))
  const place = parseNodePlace(textBinding(env, 'MESH_NODE_PLACE'), { mode, regions: config.value.regions })
  const mistakes = [
    ...endpointProblems(config.value, deployed.config).map(describeProblem),
    ...missingBindings(config.value, env),
    ...(place.ok ? [] : [place.error]),
  ]
  return mistakes.length > 0 ? err(mistakes) : ok({ ...deployed, ...versionOf(config.value, text, env) })
}
