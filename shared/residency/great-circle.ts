/** Distance on the globe, which decides what is nearest and how fast light could be there. */

export interface Coordinates {
  /** Degrees, north positive. */
  readonly latitude: number
  /** Degrees, east positive. */
  readonly longitude: number
}

/** Mean radius of the Earth (IUGG). */
const EARTH_RADIUS_KM = 6371.0088

/** Great-circle distance in kilometres, by the haversine formula. */
export function greatCircleKm(from: Coordinates, to: Coordinates): number {
  const latitudeArc = radians(to.latitude - from.latitude) / 2
  const longitudeArc = radians(to.longitude - from.longitude) / 2
  const haversine =
    Math.sin(latitudeArc) ** 2 +
    Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * Math.sin(longitudeArc) ** 2
  // Rounding can carry antipodes a hair past 1, where asin is not defined.
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(haversine)))
}

/** The region nearest to a place; the first listed among equals. Undefined only when there are none. */
export function nearestOf<R extends Coordinates>(place: Coordinates, regions: readonly R[]): R | undefined {
  let nearest: R | undefined
  let nearestKm = Infinity
  for (const region of regions) {
    const km = greatCircleKm(place, region)
    if (nearest === undefined || km < nearestKm) {
      nearest = region
      nearestKm = km
    }
  }
  return nearest
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
