/** Decides whether a residency rule applies to a request, reading everything unknown as a match. */
import type { Model, Rule } from '../schema/mesh.ts'
import { CONTINENTS } from '../schema/config-tenants.ts'
import type { Arrival } from './arrival.ts'
import { COUNTRIES, isEuMember } from './countries.ts'
import { knownDataClass, type ClassClaim } from './data-class.ts'
import { valuesOf, type HeaderFacts } from './header-facts.ts'
import { bareHost } from './host-name.ts'

export interface RuleSubject extends ClassClaim {
  readonly model: Model
  readonly arrival: Arrival
  /** Without it nothing is known of any header. */
  readonly headers?: HeaderFacts
}

/** One condition of a rule and what became of it. What is not known satisfies every condition. */
export interface Condition {
  readonly on: keyof Rule['match']
  /** Of a condition on headers, which. */
  readonly header?: string
  readonly result: 'satisfied' | 'not_satisfied' | 'unknown'
}

const HOST = /^[a-z0-9.-]{1,253}$/

/**
 * Whether every condition of a rule holds. A rule only takes away, so the strictest reading of a country, continent, data
 * centre, host, header or data class that is not known is that the rule applies.
 */
export function holds(conditions: readonly Condition[]): boolean {
  return conditions.every(({ result }) => result !== 'not_satisfied')
}

/** The conditions that a rule has, in the order of the configuration's documentation. */
export function conditionsOf({ match }: Rule, subject: RuleSubject): readonly Condition[] {
  const { tenant, model, arrival, headers } = subject
  const country = knownCountry(arrival.country)
  const { eu_member: isEu } = match
  return [
    ...listed('tenants', match.tenants, tenant.id),
    ...listed('models', match.models, model.id),
    ...listed('data_classes', match.data_classes, knownDataClass(subject)),
    ...listed('countries', match.countries, country),
    ...(isEu === undefined ? [] : [condition('eu_member', country, (known) => isEuMember(known) === isEu)]),
    ...listed('continents', match.continents, knownContinent(arrival.continent)),
    ...listed('colos', match.colos, knownColo(arrival.colo)),
    ...listed('hosts', match.hosts?.map(bareHost), knownHost(arrival.host)),
    ...(match.headers ?? []).map(({ name, values }) => ({
      ...condition('headers', headerText(headers, name), (text) => says(text, values)),
      header: name,
    })),
  ]
}

function listed(
  on: Condition['on'],
  list: readonly string[] | undefined,
  value: string | undefined,
): readonly Condition[] {
  return list === undefined ? [] : [condition(on, value, (known) => list.includes(known))]
}

function condition<Value>(
  on: Condition['on'],
  value: Value | undefined,
  isSatisfiedBy: (known: Value) => boolean,
): Condition {
  if (value === undefined) return { on, result: 'unknown' }
  return { on, result: isSatisfiedBy(value) ? 'satisfied' : 'not_satisfied' }
}

function knownCountry(country: string | undefined): string | undefined {
  return country !== undefined && COUNTRIES.has(country) ? country : undefined
}

function knownContinent(continent: string | undefined): string | undefined {
  return CONTINENTS.find((known) => known === continent)
}

function knownColo(colo: string | undefined): string | undefined {
  return colo !== undefined && /^[A-Z]{3}$/.test(colo) ? colo : undefined
}

function knownHost(host: string): string | undefined {
  const bare = bareHost(host)
  return HOST.test(bare) ? bare : undefined
}

function headerText(headers: HeaderFacts | undefined, name: string): string | null | undefined {
  return headers !== undefined && Object.hasOwn(headers, name) ? headers[name] : undefined
}

/** That a header is not there is known: only its presence can make a rule apply, so that sending one never frees. */
function says(text: string | null, values: readonly string[]): boolean {
  return text !== null && valuesOf(text).some((value) => values.includes(value))
}
