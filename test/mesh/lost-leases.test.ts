/** Without a tenant's ledger nobody can say whether what is known of its rules is still true: who may be bound by them is refused. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const KEY_OF = {
  ...KEYS,
  ruled: 'sk-mesh-ruled-0123456789abcdefghijABCDEFGHIJ',
  elsewhere: 'sk-mesh-elsewhere-0123456789abcdefghijABCDEFGHIJ',
} as const
type Tenant = keyof typeof KEY_OF

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA', 'IAD'],
    distances: false,
    ledger: 'fails',
    config: (urls) =>
      aMeshConfig(urls, {
        tenants: Object.entries(KEY_OF).map(([id, key]) => ({
          id,
          floor: id === 'eu-bank' ? { jurisdictions: ['eu'] } : { anywhere: true },
          keys: [{ id: 'k1', sha256: sha256(key) }],
        })),
        rules: [
          {
            id: 'germans-in-the-eu',
            match: { tenants: ['ruled'], countries: ['DE'] },
            only: { jurisdictions: ['eu'] },
          },
          { id: 'prefers', match: { tenants: ['elsewhere'] }, sovereign: 'prefer' },
        ],
        pools: aMeshConfig(urls).pools.map((pool) => ({ ...pool, sovereign: pool.id === 'us-east' })),
      }),
  })
})
afterAll(() => mesh.stop())

function ask(tenant: Tenant, colo: string, body: object): Promise<Response> {
  return mesh.fetch(colo, '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY_OF[tenant]}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'story', messages: [{ role: 'user', content: 'Who am I?' }], ...body }),
  })
}

const asked = (): number =>
  Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats().requests, 0)

const FORMS = [{ max_tokens: 2 }, { max_tokens: 2, temperature: 0, stream: true }]

test.each<[Tenant, string]>([
  ['eu-bank', 'its floor'],
  ['ruled', 'a rule, whether or not this request would match it'],
])('%s is refused because of %s', async (tenant) => {
  for (const colo of ['FRA', 'IAD']) {
    for (const form of FORMS) {
      const before = asked()
      const response = await ask(tenant, colo, form)
      const { error } = (await response.json()) as { error: { code: string } }
      expect([response.status, error.code]).toEqual([503, 'config_unavailable'])
      expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(asked()).toBe(before)
    }
  }
})

test.each<[Tenant, string]>([
  ['demo', 'nothing binds it'],
  ['elsewhere', 'its rule only prefers'],
])('%s is served, since %s', async (tenant) => {
  for (const form of FORMS) {
    const response = await ask(tenant, 'FRA', form)
    expect([response.status, (await response.text()).length > 0]).toEqual([200, true])
  }
})
