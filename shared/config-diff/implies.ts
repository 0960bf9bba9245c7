/** Whether the conditions of a new rule hold wherever those of an old one did. Where it is in doubt, they do not. */
import { bareHost } from '../residency/host-name.ts'
import type { Rule, Tenant } from '../schema/mesh.ts'

type Match = Rule['match']

/** The tenant before and after: which classes its keys may claim decides what a rule about classes can be escaped with. */
export interface Claimants {
  readonly before: Tenant
  readonly after: Tenant
}

/** Conditions on tenants and models are not looked at: who compares has applied them. */
export function implies(before: Match, after: Match, claimants: Claimants): boolean {
  return (
    isWithin(before.countries, after.countries) &&
    isWithin(before.continents, after.continents) &&
    isWithin(before.colos, after.colos) &&
    isWithin(before.hosts?.map(bareHost), after.hosts?.map(bareHost)) &&
    (after.eu_member === undefined || after.eu_member === before.eu_member) &&
    areHeadersWithin(before, after) &&
    areClassesWithin(before, after, claimants)
  )
}

/** A condition that is gone holds always; one that is new, or lists less, may not. */
function isWithin(before: readonly string[] | undefined, after: readonly string[] | undefined): boolean {
  if (after === undefined) return true
  return before !== undefined && before.every((value) => after.includes(value))
}

function areHeadersWithin(before: Match, after: Match): boolean {
  return (after.headers ?? []).every((wanted) =>
    before.headers?.some(({ name, values }) => name === wanted.name && isWithin(values, wanted.values)),
  )
}

function areClassesWithin(before: Match, after: Match, claimants: Claimants): boolean {
  const { data_classes: listed } = after
  if (listed === undefined) return true
  if (!isWithin(before.data_classes, listed)) return false
  const escapes = claimants.after.data_classes.filter((one) => !listed.includes(one))
  return escapes.every((one) => couldClaim(one, claimants))
}

/** Whether everybody who may claim the class could before, too. */
function couldClaim(dataClass: string, { before, after }: Claimants): boolean {
  if (!before.data_classes.includes(dataClass)) return false
  const may = ({ data_classes: classes }: Tenant['keys'][number]): boolean =>
    classes?.includes(dataClass) ?? true
  // Of a key that is not known, what every key may claim counts: so all of them must have been free to.
  return before.keys.every(may) || after.keys.filter(may).every(({ id }) => isIn(before, id))

  function isIn(tenant: Tenant, id: string): boolean {
    const known = tenant.keys.find((key) => key.id === id)
    return known !== undefined && may(known)
  }
}
