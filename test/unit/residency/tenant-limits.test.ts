import { expect, test } from 'vitest'
import type { MeshMode } from '../../../shared/config/mode.ts'
import { tenantHome } from '../../../shared/residency/tenant-home.ts'
import { isRestrictedTenant } from '../../../shared/residency/tenant-limits.ts'
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
