import { expect, test } from 'vitest'
import type { MeshMode } from '../../../shared/config/mode.ts'
import { tenantHome } from '../../../shared/residency/tenant-home.ts'
import { isRestrictedTenant, mayBeRestricted } from '../../../shared/residency/tenant-limits.ts'
import { aMesh, firstTenant, POOLS } from './a-mesh.ts'

const CLOUDFLARE: MeshMode = { kind: 'cloudflare' }
const mesh = (tenant: object) =>
  aMesh({
    pools: [POOLS[0], { ...POOLS[1], sovereign: true }, POOLS[2]],
    tenants: [{ id: 't', ...tenant }],
  })

test.each<[string, object, boolean, string | undefined]>([
  ['may go anywhere', { floor: { anywhere: true } }, false, 'eu-central'],
  ['may go to the US', { floor: { jurisdictions: ['us'] } }, true, 'us-east enforced'],
  ['stays on its premises', { floor: { anywhere: true }, sovereign: 'only' }, true, 'us-east enforced'],
  ['prefers its premises', { floor: { anywhere: true }, sovereign: 'prefer' }, false, 'eu-central'],
  ['has no premises in its floor', { floor: { jurisdictions: ['eu'] }, sovereign: 'only' }, true, undefined],
  ['may go to Singapore, where nobody enforces it', { floor: { jurisdictions: ['sg'] } }, true, undefined],
  ['stores nothing of requests', { floor: { anywhere: true }, storage: 'none' }, false, 'eu-central'],
])('a tenant that %s', (_name, tenant, isRestricted, expected) => {
  const config = mesh(tenant)
  const home = tenantHome(firstTenant(config), config, CLOUDFLARE)
  expect(isRestrictedTenant(firstTenant(config))).toBe(isRestricted)
  expect(home && `${home.region}${home.enforceJurisdiction ? ' enforced' : ''}`).toBe(expected)
})

test.each<[string, object, boolean]>([
  ['a rule for all', { only: { jurisdictions: ['eu'] } }, true],
  ['a rule for it', { match: { tenants: ['other', 't'] }, except: { jurisdictions: ['us'] } }, true],
  [
    'a rule for it in some countries',
    { match: { tenants: ['t'], countries: ['DE'] }, sovereign: 'only' },
    true,
  ],
  ['a rule on storage', { match: { models: ['story'] }, storage: 'home' }, true],
  ['a rule for others', { match: { tenants: ['other'] }, only: { jurisdictions: ['eu'] } }, false],
  ['a rule that only prefers', { sovereign: 'prefer' }, false],
])('a tenant that may go anywhere may be restricted by %s', (_name, rule, expected) => {
  const floor = { floor: { anywhere: true } }
  const config = aMesh({
    pools: [POOLS[0], { ...POOLS[1], sovereign: true }, POOLS[2]],
    tenants: [
      { id: 't', ...floor },
      { id: 'other', ...floor },
    ],
    rules: [{ id: 'a-rule', ...rule }],
  })
  expect(mayBeRestricted(firstTenant(config), config.rules)).toBe(expected)
})

test('a tenant with a floor is restricted without any rule', () => {
  const config = mesh({ floor: { jurisdictions: ['eu'] } })
  expect(mayBeRestricted(firstTenant(config), config.rules)).toBe(true)
})
