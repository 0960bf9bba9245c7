/** Checks where pools are: their region's jurisdiction, and an address that is right for the mode. */
import type { Pool } from '../schema/mesh.ts'
import type { Draft, Entry } from './draft.ts'
import type { MeshMode } from './mode.ts'
import { checkPoolUrl } from './pool-url.ts'
import { quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

export function checkPools(draft: Draft, mode: MeshMode): ConfigProblem[] {
  return draft.pools.entries.flatMap((pool) => [...contradiction(pool, draft), ...address(pool, mode)])
}

function contradiction({ value, path }: Entry<Pool>, { regions }: Draft): ConfigProblem[] {
  const region = regions.entries.find((entry) => entry.value.id === value.region)?.value
  if (region === undefined || value.jurisdiction === undefined) return []
  if (value.jurisdiction === region.jurisdiction) return []
  return [
    {
      path: `${path}.jurisdiction`,
      found: `${quote(value.jurisdiction)} contradicts region ${quote(region.id)}, which is in ${quote(region.jurisdiction)}`,
      expected: 'remove it, or name another region',
    },
  ]
}

function address({ value, path }: Entry<Pool>, mode: MeshMode): ConfigProblem[] {
  if (value.url !== undefined) {
    const fault = checkPoolUrl(value.url, mode, value.binding === undefined ? 'directly' : 'through_binding')
    return fault === undefined ? [] : [{ path: `${path}.url`, ...fault }]
  }
  if (value.binding !== undefined) return []
  return [{ path, found: 'this pool has neither url nor binding', expected: 'give one of them, or both' }]
}
