/**
 * What a stored config may lead to: the hosts, bindings, secrets and issuers of the deployed one. Whoever can write the config can so
 * neither send prompts to a host of his own, nor one pool's key to another, nor call a pool a member of another jurisdiction.
 */
import type { Endpoint, MeshConfig, Pool } from '../schema/mesh.ts'
import type { ConfigProblem } from './problem.ts'

const SECRET_PREFIX = 'secret:'

/** One problem per pool and per issuer of `config` that the `deployed` one does not allow. */
export function endpointProblems(config: MeshConfig, deployed: MeshConfig): readonly ConfigProblem[] {
  return [...poolProblems(config, deployed), ...issuerProblems(config, deployed)]
}

/** Who could name an issuer of his own could make himself anybody. */
function issuerProblems(config: MeshConfig, deployed: MeshConfig): readonly ConfigProblem[] {
  return config.oidc.flatMap(({ id, issuer, jwks_url: url }, index) =>
    deployed.oidc.some((known) => known.issuer === issuer && known.jwks_url === url)
      ? []
      : [
          {
            path: `oidc[${index}] ("${id}")`,
            found: 'this issuer, with these keys, is not among those that were deployed',
            expected: 'deploy a mesh.toml that has it first; its grants can change without',
          },
        ],
  )
}

function poolProblems(config: MeshConfig, deployed: MeshConfig): readonly ConfigProblem[] {
  const allowed = endpointsOf(deployed)
  return config.pools.flatMap((pool, index) => {
    const wanted = endpointOf(pool, config)
    if (allowed.some((endpoint) => isWithin(wanted, endpoint))) return []
    return [{ path: `pools[${index}] ("${pool.id}")`, ...objection(wanted, allowed) }]
  })
}

/** What the deployed config's own pools lead to, and what it lists besides. */
function endpointsOf(deployed: MeshConfig): readonly Endpoint[] {
  return [...deployed.pools.map((pool) => endpointOf(pool, deployed)), ...deployed.config.endpoints]
}

function endpointOf(pool: Pool, { regions }: MeshConfig): Endpoint {
  const region = regions.find(({ id }) => id === pool.region)
  return {
    ...(pool.binding === undefined ? { host: hostOf(pool.url ?? '') } : { binding: pool.binding }),
    secrets: pool.auth === undefined ? [] : [pool.auth.slice(SECRET_PREFIX.length)],
    jurisdictions: region === undefined ? [] : [region.jurisdiction],
    sovereign: pool.sovereign,
  }
}

/** As the URL spells it. Without encryption it is another place: a key that was meant for the one is not for the other. */
function hostOf(url: string): string {
  const [, scheme, host = ''] = /^(https?):\/\/([^/?#]+)/.exec(url.toLowerCase()) ?? []
  if (scheme === 'https') return host.replace(/:443$/, '')
  return /:[0-9]+$/.test(host) ? host : `${host}:80`
}

function isSamePlace(one: Endpoint, other: Endpoint): boolean {
  return one.host === other.host && one.binding === other.binding
}

function isWithin(wanted: Endpoint, allowed: Endpoint): boolean {
  return (
    isSamePlace(wanted, allowed) &&
    wanted.secrets.every((secret) => allowed.secrets.includes(secret)) &&
    wanted.jurisdictions.every((one) => allowed.jurisdictions.includes(one)) &&
    (allowed.sovereign || !wanted.sovereign)
  )
}

/** Says what of it was not deployed. Names no host: the line may reach a log. */
function objection(wanted: Endpoint, allowed: readonly Endpoint[]): Omit<ConfigProblem, 'path'> {
  const there = allowed.filter((endpoint) => isSamePlace(endpoint, wanted))
  const expected = 'deploy a mesh.toml that lists it in [[config.endpoints]] first'
  if (there.length === 0) {
    const what = wanted.binding === undefined ? 'its host' : `its binding "${wanted.binding}"`
    return { found: `${what} is not among those that were deployed`, expected }
  }
  const [secret] = wanted.secrets
  const [jurisdiction] = wanted.jurisdictions
  if (secret !== undefined && !there.some(({ secrets }) => secrets.includes(secret))) {
    return { found: `the secret "${secret}" was not deployed for its host`, expected }
  }
  if (
    jurisdiction !== undefined &&
    !there.some(({ jurisdictions }) => jurisdictions.includes(jurisdiction))
  ) {
    return { found: `its host was not deployed as one in "${jurisdiction}"`, expected }
  }
  return {
    found: 'its host was not deployed with this secret, jurisdiction and sovereignty together',
    expected,
  }
}
