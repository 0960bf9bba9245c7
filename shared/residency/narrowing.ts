/** What the words of a client's narrowing header mean on a mesh. */
import type { MeshConfig } from '../schema/mesh.ts'
import type { PoolSite } from './selector.ts'

/**
 * Reads each word as one thing only (a jurisdiction before a region before a pool), so that a pool which happens
 * to be named like a jurisdiction is not let in by asking for the jurisdiction. A word that names nothing of this
 * mesh allows nothing.
 */
export function narrowing(words: readonly string[], config: MeshConfig): (site: PoolSite) => boolean {
  const wanted = new Set(words)
  const jurisdictions = new Set(config.regions.map((region) => region.jurisdiction))
  const regions = new Set(config.regions.map((region) => region.id))
  return ({ pool, region }) =>
    wanted.has(region.jurisdiction) ||
    (wanted.has(region.id) && !jurisdictions.has(region.id)) ||
    (wanted.has(pool.id) && !jurisdictions.has(pool.id) && !regions.has(pool.id))
}
