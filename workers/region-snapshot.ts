/** Asks a region's monitor what it knows, for an operator who waits for it: no request of a client ever does. */
import type { RegionSnapshot } from '../shared/pool/region-snapshot.ts'
import type { Region } from '../shared/schema/mesh.ts'
import type { Edge } from './edge.ts'
import { within } from './within.ts'

const MONITOR_WITHIN_MS = 2_000

/** Undefined where the monitor does not answer: that must not keep an operator from what this isolate knows. */
export async function regionSnapshot(
  region: Region,
  from: Region,
  { stubs, runtime }: Pick<Edge, 'stubs' | 'runtime'>,
): Promise<RegionSnapshot | undefined> {
  try {
    if (from.id !== region.id) await runtime.crossRegions(from, region)
    return await within(stubs.regionMonitor(region).snapshot(region.id), MONITOR_WITHIN_MS)
  } catch {
    return undefined
  }
}
