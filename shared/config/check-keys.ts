/** Checks API keys: none twice anywhere, and none made by a local start outside dev. */
import type { Draft } from './draft.ts'
import type { MeshMode } from './mode.ts'
import type { ConfigProblem } from './problem.ts'

export function checkKeys({ tenants }: Draft, mode: MeshMode): ConfigProblem[] {
  const first = new Map<string, string>()
  const problems: ConfigProblem[] = []
  for (const tenant of tenants.entries) {
    for (const [index, key] of tenant.value.keys.entries()) {
      const path = `${tenant.path}.keys[${index}] ("${key.id}")`
      const earlier = first.get(key.sha256)
      if (earlier === undefined) first.set(key.sha256, path)
      else
        problems.push({
          path: `${path}.sha256`,
          found: `the same key as ${earlier}`,
          expected: 'make a new key',
        })
      if (key.dev && mode.kind !== 'dev') {
        problems.push({
          path: `${path}.dev`,
          found: 'this key was made by a local start and is in a file on some machine',
          expected: 'remove it, and make a new key for this mesh',
        })
      }
    }
  }
  return problems
}
