/** Checks who may hand out access: addresses that keys of issuers may be fetched from, and grants that mean something. */
import type { OidcGrant } from '../schema/config-oidc.ts'
import type { Draft } from './draft.ts'
import type { MeshMode } from './mode.ts'
import { checkPoolUrl } from './pool-url.ts'
import { knownNames, quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

export function checkOidc({ config, tenants }: Draft, mode: MeshMode): ConfigProblem[] {
  if (config === undefined) return []
  const seen = new Map<string, string>()
  return config.oidc.flatMap((issuer, index) => {
    const path = `oidc[${index}] (${quote(issuer.id)})`
    const problems: ConfigProblem[] = []
    for (const [name, value] of [
      ['id', issuer.id],
      ['issuer', issuer.issuer],
    ] as const) {
      const earlier = seen.get(`${name} ${value}`)
      if (earlier === undefined) seen.set(`${name} ${value}`, path)
      else {
        const found = `${quote(value)} is already in ${earlier}`
        problems.push({ path: `${path}.${name}`, found, expected: 'give each its own' })
      }
    }
    // Keys that come over an open line could be anybody's; the rules for hosts are those of pools.
    const fault = checkPoolUrl(issuer.jwks_url, mode)
    if (fault !== undefined) problems.push({ path: `${path}.jwks_url`, ...fault })
    for (const [at, grant] of issuer.grants.entries()) {
      problems.push(...checkGrant(grant, `${path}.grants[${at}]`, tenants.ids))
    }
    return problems
  })
}

function checkGrant({ role, tenant }: OidcGrant, path: string, tenants: readonly string[]): ConfigProblem[] {
  if (tenant === undefined) {
    if (role !== 'client' && role !== 'tenant-admin') return []
    return [{ path: `${path}.tenant`, found: 'missing', expected: `name the tenant that a ${role} is of` }]
  }
  if (role === 'operator') {
    const found = `${quote(tenant)} with role "operator"`
    return [{ path: `${path}.tenant`, found, expected: 'leave it out, or make the role "tenant-admin"' }]
  }
  if (tenants.includes(tenant)) return []
  const found = `there is no tenant ${quote(tenant)}`
  return [{ path: `${path}.tenant`, found, expected: knownNames('tenants', tenants, tenant) }]
}
