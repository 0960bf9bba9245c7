import { describe, expect, test } from 'vitest'
import { endpointProblems } from '../../../shared/config/endpoints.ts'
import { describeProblem } from '../../../shared/config/problem.ts'
import { aMesh, POOLS, REGIONS } from '../residency/a-mesh.ts'

const [EU, US] = POOLS
const DEPLOYED = aMesh({
  pools: [
    { ...EU, auth: 'secret:POOL_EU' },
    { ...US, auth: 'secret:POOL_US' },
  ],
  config: {
    source: 'store',
    endpoints: [
      { host: 'more.example:8443', secrets: ['POOL_MORE'], jurisdictions: ['eu'] },
      { binding: 'ONPREM', jurisdictions: ['eu'], sovereign: true },
    ],
  },
})

function linesFor(pool: object, changes: object = {}): string[] {
  const config = aMesh({ pools: [{ ...EU, ...pool }], ...changes })
  return endpointProblems(config, DEPLOYED).map(describeProblem)
}

describe('an issuer of a stored config', () => {
  const issuer = {
    id: 'corp',
    issuer: 'https://login.example.com',
    audience: 'warmpath',
    jwks_url: 'https://login.example.com/keys',
    grants: [{ claim: 'groups', value: 'ops', role: 'operator' }],
  }
  const withIssuer = (changes: object) => aMesh({ pools: [EU], oidc: [{ ...issuer, ...changes }] })

  test('may grant other things than the deployed one', () => {
    const grants = [{ claim: 'groups', value: 'all', role: 'viewer' }]
    expect(endpointProblems(withIssuer({ grants }), withIssuer({}))).toEqual([])
  })

  test.each([{ issuer: 'https://other.example.com' }, { jwks_url: 'https://other.example.com/keys' }])(
    'has the name and the keys of a deployed one, and not %j',
    (changes) => {
      expect(endpointProblems(withIssuer(changes), withIssuer({})).map(describeProblem)).toEqual([
        'oidc[0] ("corp"): this issuer, with these keys, is not among those that were deployed; deploy a mesh.toml that has it first; its grants can change without',
      ])
    },
  )
})

describe('a stored config may have', () => {
  test.each([
    ['a pool that was deployed', { auth: 'secret:POOL_EU' }],
    [
      'it without its key, at another path, under another name',
      { id: 'x', url: 'https://EU.example:443/other' },
    ],
    [
      'a host that the deployed config lists',
      { url: 'https://more.example:8443/v1', auth: 'secret:POOL_MORE' },
    ],
    ['a binding that it lists', { url: undefined, binding: 'ONPREM', sovereign: true }],
  ])('%s', (_name, pool) => {
    expect(linesFor(pool)).toEqual([])
  })
})

describe('a stored config may not have', () => {
  test.each([
    ['a host of its own', { url: 'https://elsewhere.example/v1' }, 'its host is not among'],
    ['a host that begins like one', { url: 'https://eu.example.evil/v1' }, 'its host is not among'],
    ['another port', { url: 'https://eu.example:8443/v1' }, 'its host is not among'],
    [
      'a host without encryption',
      { url: 'http://eu.example/v1', auth: 'secret:POOL_EU' },
      'its host is not among',
    ],
    [
      'the key of another pool',
      { auth: 'secret:POOL_US' },
      'the secret "POOL_US" was not deployed for its host',
    ],
    ['a pool in another jurisdiction', { region: 'us-east' }, 'its host was not deployed as one in "us"'],
    [
      'a pool that claims to be on the premises',
      { sovereign: true },
      'not deployed with this secret, jurisdiction and sovereignty',
    ],
    ['a binding of its own', { url: undefined, binding: 'OTHER' }, 'its binding "OTHER" is not among'],
  ])('%s', (_name, pool, line) => {
    expect(linesFor(pool)).toEqual([expect.stringContaining(line)])
  })

  test('a region that moved to another jurisdiction with its pools', () => {
    const regions = REGIONS.map((region) => ({ ...region, jurisdiction: 'us' }))
    expect(linesFor({}, { regions })).toEqual([expect.stringContaining('not deployed as one in "us"')])
  })

  test('what its own table of endpoints allows', () => {
    const config = { endpoints: [{ host: 'elsewhere.example', jurisdictions: ['eu'] }] }
    expect(linesFor({ url: 'https://elsewhere.example/v1' }, { config })).toHaveLength(1)
  })
})
