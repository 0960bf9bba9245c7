/** Reads what an import is told of places, which no other gateway's config says: regions, and which host stands in which. */
import { err, ok, type Result } from '../../../shared/result.ts'
import { id, jurisdiction } from '../../../shared/schema/config-values.ts'

export interface RegionDraft {
  readonly id: string
  readonly jurisdiction: string
  readonly latitude: number
  readonly longitude: number
}

export interface Places {
  readonly regions: readonly RegionDraft[]
  /** Region by host; under `*` that of every other host. */
  readonly regionOfHost: ReadonlyMap<string, string>
}

/** Where most data centres of a jurisdiction stand. They only serve to guess how long a way takes. */
const USUAL: Readonly<Record<string, readonly [latitude: number, longitude: number]>> = {
  au: [-33.87, 151.21], // Sydney
  br: [-23.55, -46.63], // São Paulo
  ca: [45.5, -73.57], // Montréal
  ch: [47.38, 8.54], // Zürich
  eu: [50.11, 8.68], // Frankfurt
  gb: [51.51, -0.13], // London
  in: [19.08, 72.88], // Mumbai
  jp: [35.68, 139.69], // Tokyo
  kr: [37.57, 126.98], // Seoul
  sg: [1.35, 103.82], // Singapore
  us: [39.04, -77.49], // Ashburn
}
const FORM = 'ID:JURISDICTION, or ID:JURISDICTION:LATITUDE:LONGITUDE'

/** Fails with a sentence that says what is wrong with which of them. */
export function readPlaces(flags: {
  readonly regions: readonly string[]
  readonly places: readonly string[]
}): Result<Places, string> {
  if (flags.regions.length === 0) {
    return err(
      `Where the pools are stands in no such config, and the mesh must know: give --region ${FORM}, e.g. --region eu-central:eu.`,
    )
  }
  const regions: RegionDraft[] = []
  for (const flag of flags.regions) {
    const region = readRegion(flag)
    if (region === undefined) {
      return err(
        `--region ${flag}: give ${FORM}; without coordinates for ${Object.keys(USUAL).join(', ')} only.`,
      )
    }
    regions.push(region)
  }
  const regionOfHost = new Map<string, string>()
  for (const flag of flags.places) {
    const [, host = '', region = ''] = /^([^=]+)=([^=]+)$/.exec(flag) ?? []
    if (!regions.some((one) => one.id === region)) {
      return err(
        `--place ${flag}: give HOST=REGION, where REGION is one of ${regions.map((one) => one.id).join(', ')}.`,
      )
    }
    regionOfHost.set(host.toLowerCase(), region)
  }
  return ok({ regions, regionOfHost })
}

function readRegion(flag: string): RegionDraft | undefined {
  const [name, law, latitude, longitude, ...more] = flag.split(':')
  if (!id.safeParse(name).success || !jurisdiction.safeParse(law).success || more.length > 0) return undefined
  if (name === undefined || law === undefined || (latitude === undefined) !== (longitude === undefined))
    return undefined
  const [usualLatitude, usualLongitude] = USUAL[law] ?? [NaN, NaN]
  const at = {
    latitude: latitude === undefined ? usualLatitude : numberIn(latitude),
    longitude: longitude === undefined ? usualLongitude : numberIn(longitude),
  }
  const isOnEarth = Math.abs(at.latitude) <= 90 && Math.abs(at.longitude) <= 180
  return isOnEarth ? { id: name, jurisdiction: law, ...at } : undefined
}

function numberIn(text: string): number {
  return /^-?[0-9]{1,3}(?:\.[0-9]{1,6})?$/.test(text) ? Number(text) : NaN
}
