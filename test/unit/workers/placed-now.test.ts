/** After its lease on the config has ended, a request goes on as far as both versions allow it, and no further. */
import { describe, expect, test } from 'vitest'
import { place } from '../../../shared/residency/place.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import type { Edge } from '../../../workers/edge.ts'
import type { Mesh } from '../../../workers/mesh.ts'
import { placedNow, type PlacedAgain } from '../../../workers/placed-now.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'
import { must } from './must.ts'

const CONFIG = aMeshConfig({
  'eu-central': 'https://a.test',
  'us-east': 'https://b.test',
  'ap-southeast': 'https://c.test',
})
const ARRIVAL = { host: 'edge.test', colo: 'FRA' }

function aMesh(config: MeshConfig): Mesh {
  // Of a mesh, placing needs what is here.
  return {
    config,
    configText: JSON.stringify(config),
    tenants: new Map(config.tenants.map((tenant) => [tenant.id, tenant])),
    models: new Map(config.models.map((model) => [model.id, model])),
  } as unknown as Mesh
}

/** The first tenant, which may go anywhere, with these changes. */
function withTenant(changes: object): MeshConfig {
  const [first, ...others] = CONFIG.tenants
  return { ...CONFIG, tenants: [{ ...must(first), ...changes }, ...others] }
}

/** Of a request that began under the first version, what is left under the second. */
async function poolsNow(
  after: MeshConfig,
  about: { readonly keyId?: string; readonly isLive?: boolean } = {},
) {
  const { keyId = 'k1', isLive = false } = about
  const [tenant, model] = [must(CONFIG.tenants[0]), must(CONFIG.models[0])]
  const placed = place({ config: CONFIG, tenant, keyId, model, arrival: ARRIVAL })
  const placement = must(placed.ok ? placed.value : undefined)
  const narrowing = { cache: { read: true, onlyIfCached: false }, isResumable: false, wantsReceipt: false }
  const context = { tenant, keyId, model, arrival: ARRIVAL, narrowing, placement } as unknown as PlacedAgain
  const edge = {
    mesh: aMesh(CONFIG),
    runtime: { now: () => 1000 },
    configExpiresAtMs: isLive ? 2000 : 1000,
    configs: { hold: () => Promise.resolve({ mesh: aMesh(after) }) },
    host: 'edge.test',
    waitUntil: () => undefined,
  } as unknown as Edge
  const now = await placedNow(context, edge)
  return now.ok ? now.value.pools.map(({ pool }) => pool.id) : now.error.reason
}

const EU_ONLY = withTenant({ floor: { jurisdictions: ['eu'] } })

test('while the lease is live, what was decided holds', async () => {
  expect(await poolsNow(EU_ONLY, { isLive: true })).toEqual(['eu-central', 'us-east', 'ap-southeast'])
})

test('afterwards only what both versions allow', async () => {
  expect(await poolsNow(EU_ONLY)).toEqual(['eu-central'])
  expect(await poolsNow(withTenant({ models: ['another'] }))).toBe('config_unavailable')
})

describe('a key', () => {
  const withoutKeys = withTenant({ keys: [] })

  test('that the config had and has no more is refused', async () => {
    expect(await poolsNow(withoutKeys)).toBe('config_unavailable')
  })

  test('that never was the config’s is not looked for there', async () => {
    const all = ['eu-central', 'us-east', 'ap-southeast']
    expect(await poolsNow(withoutKeys, { keyId: 'managed' })).toEqual(all)
    expect(await poolsNow(withoutKeys, { keyId: 'oidc-corp-0123456789abcdef' })).toEqual(all)
  })
})
