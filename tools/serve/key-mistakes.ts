/** Finds tenants' keys that others have: those that a local start made on this machine, and those of the tests. */
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { knownKeys } from './read-secrets.ts'

/** A sentence for each. @param known keys, of which the config holds the SHA-256 */
export function keyMistakes({ tenants }: MeshConfig, known: ReadonlySet<string>): readonly string[] {
  return tenants.flatMap(({ id, keys }) => {
    const found = knownKeys(
      keys.map(({ sha256 }) => sha256),
      known,
    )
    return keys
      .filter(({ sha256 }) => found.includes(sha256))
      .map(
        (key) =>
          `Tenant "${id}": the key "${key.id}" is one of a local start or of the tests: make a new one.`,
      )
  })
}
