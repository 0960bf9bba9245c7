/** The one place where anything of a request may be stored: a pure function of its placement, edge and mode. */
import type { MeshMode } from '../config/mode.ts'
import type { Region } from '../schema/mesh.ts'
import { fnv1a, mix } from '../fingerprint/mix.ts'
import { nearestOf } from './great-circle.ts'
import type { Placement } from './place.ts'

export interface Home {
  /** Region id. */
  readonly region: string
  readonly jurisdiction: string
  readonly locationHint?: NonNullable<Region['location_hint']>
  /** Whether storage must be kept in the jurisdiction; how the platform is made to do so depends on the mode. */
  readonly enforceJurisdiction: boolean
}

/** The storage jurisdictions that Durable Objects enforce (Cloudflare's documentation on data location). */
const CLOUDFLARE_JURISDICTIONS: readonly string[] = ['eu', 'us', 'fedramp', 'fedramp-high']

/**
 * The home of a placement: the edge's own region where that is allowed and enforceable, else the nearest region
 * that is. Undefined means that nothing may be stored: the request gets the private path only.
 */
export function homeOf(placement: Placement, edgeRegion: Region, mode: MeshMode): Home | undefined {
  const { restricted, storageRegions, storage } = placement
  if (storage === 'none') return undefined
  const mayStore = (region: Region): boolean => canKeepIn(region.jurisdiction, restricted, mode)
  const edgeIsAllowed = !restricted || storageRegions.some((region) => region.id === edgeRegion.id)
  const region =
    edgeIsAllowed && mayStore(edgeRegion)
      ? edgeRegion
      : nearestOf(edgeRegion, storageRegions.filter(mayStore))
  return region === undefined ? undefined : homeAt(region, restricted)
}

/**
 * The home of a log that is to be the only one in the world: of the regions where it may be kept, the one that the name
 * picks (rendezvous hashing, Thaler and Ravishankar 1998), whichever edge asks. Undefined where nothing may be stored.
 */
export function worldHomeOf(
  { restricted, storageRegions, storage }: Placement,
  name: string,
  mode: MeshMode,
): Home | undefined {
  if (storage === 'none') return undefined
  const regions = storageRegions.filter((region) => canKeepIn(region.jurisdiction, restricted, mode))
  const region = highest(regions, ({ id }) => mix(fnv1a(`${name}/${id}`)))
  return region === undefined ? undefined : homeAt(region, restricted)
}

/** Whether a placement allows a home that somebody else chose, perhaps under another config. */
export function mayHaveHome({ restricted, storageRegions, storage }: Placement, home: Home): boolean {
  if (storage === 'none') return false
  return !restricted || (home.enforceJurisdiction && storageRegions.some(({ id }) => id === home.region))
}

function highest<T>(items: readonly T[], scoreOf: (item: T) => number): T | undefined {
  let best: { item: T; score: number } | undefined
  for (const item of items) {
    const score = scoreOf(item)
    if (best === undefined || score > best.score) best = { item, score }
  }
  return best?.item
}

/** The first of some regions where storage can be kept, for what belongs to no single request. */
export function homeIn(regions: readonly Region[], restricted: boolean, mode: MeshMode): Home | undefined {
  const region = regions.find(({ jurisdiction }) => canKeepIn(jurisdiction, restricted, mode))
  return region === undefined ? undefined : homeAt(region, restricted)
}

function homeAt(region: Region, restricted: boolean): Home {
  return {
    region: region.id,
    jurisdiction: region.jurisdiction,
    ...(region.location_hint === undefined ? {} : { locationHint: region.location_hint }),
    enforceJurisdiction: restricted,
  }
}

function canKeepIn(jurisdiction: string, restricted: boolean, mode: MeshMode): boolean {
  switch (mode.kind) {
    case 'cloudflare':
      return !restricted || CLOUDFLARE_JURISDICTIONS.includes(jurisdiction)
    case 'single':
      // The machine's disk is where it is, for unrestricted tenants too.
      return jurisdiction === mode.jurisdiction
    case 'dev':
      return true
  }
}
