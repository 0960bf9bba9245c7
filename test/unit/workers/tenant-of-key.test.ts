import { expect, test } from 'vitest'
import { tenantOfKey } from '../../../workers/tenant-of-key.ts'
import { aMeshConfig, KEYS, sha256 } from '../../support/mesh-config.ts'

const FOREIGN = 'sk-0123456789abcdefghijkl'
const config = aMeshConfig(
  { 'eu-central': 'http://a.test', 'us-east': 'http://b.test', 'ap-southeast': 'http://c.test' },
  {
    tenants: [
      { id: 'demo', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(KEYS.demo) }] },
      { id: 'eu-bank', floor: { jurisdictions: ['eu'] }, keys: [{ id: 'old', sha256: sha256(FOREIGN) }] },
    ],
  },
)
const mesh = { config, tenants: new Map(config.tenants.map((tenant) => [tenant.id, tenant])) }

test.each([
  ["one of the mesh's own is the tenant's in its name", KEYS.demo, 'demo'],
  ['and no other, even one that lists nothing', KEYS['eu-bank'], 'eu-bank'],
  ['another belongs to whoever lists its hash', FOREIGN, 'eu-bank'],
  ['or to nobody', `${FOREIGN}m`, undefined],
  ['no key is nobody’s', '', undefined],
  ['a tenant that is not there has none', 'sk-mesh-nobody-0123456789abcdefghijABCDEFGHIJ', undefined],
])('%s', (_case, key, tenant) => {
  expect(tenantOfKey(key, sha256(key), mesh)?.id).toBe(tenant)
})
