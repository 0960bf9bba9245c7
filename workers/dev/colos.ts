/** Where some of Cloudflare's data centres are, so that a local request can seem to arrive there. */

export interface ColoPlace {
  readonly country: string
  readonly continent: string
  readonly latitude: number
  readonly longitude: number
}

/** City coordinates to a tenth of a degree: ranking and homes need no more. */
export const COLOS: Readonly<Record<string, ColoPlace>> = {
  AMS: { country: 'NL', continent: 'EU', latitude: 52.4, longitude: 4.9 },
  ARN: { country: 'SE', continent: 'EU', latitude: 59.3, longitude: 18.1 },
  BOM: { country: 'IN', continent: 'AS', latitude: 19.1, longitude: 72.9 },
  CDG: { country: 'FR', continent: 'EU', latitude: 48.9, longitude: 2.4 },
  DFW: { country: 'US', continent: 'NA', latitude: 32.8, longitude: -96.8 },
  DUB: { country: 'IE', continent: 'EU', latitude: 53.3, longitude: -6.3 },
  EWR: { country: 'US', continent: 'NA', latitude: 40.7, longitude: -74.2 },
  FRA: { country: 'DE', continent: 'EU', latitude: 50.1, longitude: 8.7 },
  GRU: { country: 'BR', continent: 'SA', latitude: -23.5, longitude: -46.6 },
  HKG: { country: 'HK', continent: 'AS', latitude: 22.3, longitude: 114.2 },
  IAD: { country: 'US', continent: 'NA', latitude: 39.0, longitude: -77.5 },
  JNB: { country: 'ZA', continent: 'AF', latitude: -26.1, longitude: 28.2 },
  LAX: { country: 'US', continent: 'NA', latitude: 34.1, longitude: -118.2 },
  LHR: { country: 'GB', continent: 'EU', latitude: 51.5, longitude: -0.5 },
  MAD: { country: 'ES', continent: 'EU', latitude: 40.4, longitude: -3.7 },
  NRT: { country: 'JP', continent: 'AS', latitude: 35.7, longitude: 139.7 },
  ORD: { country: 'US', continent: 'NA', latitude: 41.9, longitude: -87.6 },
  SEA: { country: 'US', continent: 'NA', latitude: 47.6, longitude: -122.3 },
  SIN: { country: 'SG', continent: 'AS', latitude: 1.4, longitude: 103.8 },
  SJC: { country: 'US', continent: 'NA', latitude: 37.3, longitude: -121.9 },
  SYD: { country: 'AU', continent: 'OC', latitude: -33.9, longitude: 151.2 },
  ZRH: { country: 'CH', continent: 'EU', latitude: 47.4, longitude: 8.5 },
}
