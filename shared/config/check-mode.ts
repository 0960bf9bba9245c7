/** Checks that the mesh has something to do in its mode. */
import type { Draft } from './draft.ts'
import type { MeshMode } from './mode.ts'
import { knownNames, quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

/** Regions elsewhere are fine in single mode: one file may serve several sites, each with a mode of its own. */
export function checkMode({ regions }: Draft, mode: MeshMode): ConfigProblem[] {
  if (mode.kind !== 'single' || !regions.isComplete) return []
  const known = [...new Set(regions.entries.map(({ value }) => value.jurisdiction))]
  if (known.includes(mode.jurisdiction)) return []
  return [
    {
      path: 'MESH_MODE',
      found: `no region has the jurisdiction ${quote(mode.jurisdiction)}`,
      expected: knownNames('jurisdictions', known, mode.jurisdiction),
    },
  ]
}
