/** What a token's claims are good for under an issuer's grants. */
import { isObject } from '../is-object.ts'
import type { OidcGrant } from '../schema/config-oidc.ts'

/** The grants that hold, in the config's order. `claims`: of a token whose signature, issuer and times were checked. */
export function grantsThatHold(
  grants: readonly OidcGrant[],
  claims: Readonly<Record<string, unknown>>,
): readonly OidcGrant[] {
  return grants.filter(({ claim, value }) => textsAt(claims, claim).includes(value))
}

/**
 * The tenant whose client the bearer is. Undefined for none, and for several: a request belongs to one tenant, and which
 * one must not be chance.
 */
export function clientTenant(grants: readonly OidcGrant[]): string | undefined {
  const tenants = new Set(grants.flatMap(({ role, tenant }) => (role === 'client' ? [tenant] : [])))
  return tenants.size === 1 ? [...tenants][0] : undefined
}

/** A claim named with dots is looked for under its whole name first: names of claims may have dots themselves. */
function textsAt(claims: Readonly<Record<string, unknown>>, claim: string): readonly string[] {
  const whole = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  let found: unknown = whole
  if (whole === undefined) {
    found = claims
    for (const name of claim.split('.')) {
      found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined
    }
  }
  const texts: readonly unknown[] = Array.isArray(found) ? found : [found]
  return texts.filter((text) => typeof text === 'string')
}
