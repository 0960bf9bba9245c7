/** Where a request arrived, and which of the mesh's regions and jurisdictions that place belongs to. */
import type { Region } from '../schema/mesh.ts'
import { nearestOf } from './great-circle.ts'

/** What the platform says about a request before anything of it is read. Everything but the host may be unknown. */
export interface Arrival {
  /** Data centre that decrypted the request, e.g. `FRA`. */
  readonly colo?: string
  /** Client's country, two letters; `T1` is Tor and `XX` is unknown. */
  readonly country?: string
  /** Client's continent, two letters. */
  readonly continent?: string
  /** Degrees, north positive. */
  readonly latitude?: number
  /** Degrees, east positive. */
  readonly longitude?: number
  /** The Host the client named, with or without a port. */
  readonly host: string
}

/**
 * The region a request counts as near to: the one that lists its data centre, else the nearest by coordinates,
 * else the first. It steers ranking and the choice of a home among allowed ones; it never allows anything.
 */
export function edgeRegionOf(arrival: Arrival, regions: readonly Region[]): Region {
  const { colo, latitude, longitude } = arrival
  const listed = colo === undefined ? undefined : regions.find((region) => region.colos.includes(colo))
  const near =
    isDegrees(latitude, 90) && isDegrees(longitude, 180)
      ? nearestOf({ latitude, longitude }, regions)
      : undefined
  const region = listed ?? near ?? regions[0]
  if (region === undefined) throw new Error('a mesh has at least one region')
  return region
}

/**
 * The jurisdiction of the data centre a request arrived at: known only when the config lists the data centre, and
 * only under one jurisdiction. Coordinates are the client's, not the data centre's, so they prove nothing here.
 */
export function jurisdictionOfArrival(arrival: Arrival, regions: readonly Region[]): string | undefined {
  const { colo } = arrival
  if (colo === undefined) return undefined
  const listing = regions.filter((region) => region.colos.includes(colo))
  const jurisdictions = new Set(listing.map((region) => region.jurisdiction))
  return jurisdictions.size === 1 ? listing[0]?.jurisdiction : undefined
}

function isDegrees(value: number | undefined, bound: number): value is number {
  return value !== undefined && Math.abs(value) <= bound
}
