/** Decides whether a residency rule applies to a request, reading everything unknown as a match. */
import type { Model, Rule, Tenant } from '../schema/mesh.ts'
import type { Arrival } from './arrival.ts'

export interface RuleSubject {
  readonly tenant: Tenant
  readonly model: Model
  readonly arrival: Arrival
  /** As the client claims it; counts only if the tenant may claim it. */
  readonly dataClass?: string
}

/** What Cloudflare sends for clients it cannot place: Tor and unknown. */
const UNKNOWN_COUNTRIES: readonly string[] = ['T1', 'XX']
const CONTINENTS: readonly string[] = ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA']

/**
 * Whether every condition of a rule holds. A rule only takes pools away, so the strictest reading of a country,
 * continent, data centre or data class that is not known is that the rule applies.
 */
export function matchesRule({ match }: Rule, subject: RuleSubject): boolean {
  const { tenant, model, arrival } = subject
  return (
    holds(match.tenants, tenant.id) &&
    holds(match.models, model.id) &&
    holds(match.data_classes, knownDataClass(subject)) &&
    holds(match.countries, knownCountry(arrival.country)) &&
    holds(match.continents, knownContinent(arrival.continent)) &&
    holds(match.colos, knownColo(arrival.colo))
  )
}

function holds(list: readonly string[] | undefined, value: string | undefined): boolean {
  return list === undefined || value === undefined || list.includes(value)
}

function knownDataClass({ tenant, dataClass }: RuleSubject): string | undefined {
  return dataClass !== undefined && tenant.data_classes.includes(dataClass) ? dataClass : undefined
}

function knownCountry(country: string | undefined): string | undefined {
  if (country === undefined || !/^[A-Z]{2}$/.test(country)) return undefined
  return UNKNOWN_COUNTRIES.includes(country) ? undefined : country
}

function knownContinent(continent: string | undefined): string | undefined {
  return continent !== undefined && CONTINENTS.includes(continent) ? continent : undefined
}

function knownColo(colo: string | undefined): string | undefined {
  return colo !== undefined && /^[A-Z]{3}$/.test(colo) ? colo : undefined
}
