/** A shard that runs a stricter config than the edge keeps an answer no longer, and copies it no further, than its own allows. */
import { expect, test } from 'vitest'
import type { MeshConfig } from '../../../../shared/schema/mesh.ts'
import { placeJob, withinPolicy } from '../../../../workers/objects/place-job.ts'
import { aGenerationJob, cachedAs } from '../../../support/generation-job.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'

const POOLS = ['eu-central', 'us-east', 'ap-southeast']
const KEPT = cachedAs(aGenerationJob('What is kept?'), {
  isPromotable: true,
  wantsCopy: true,
  ttlSeconds: 3600,
})

function meshOf(tenant: Readonly<Record<string, unknown>>, changes: Readonly<Record<string, unknown>> = {}) {
  const urls = Object.fromEntries(POOLS.map((id) => [id, `http://${id}.test`]))
  const config: MeshConfig = aMeshConfig(urls, {
    tenants: [{ id: 'demo', floor: { anywhere: true }, ...tenant }],
    ...changes,
  })
  const byId = <T extends { id: string }>(all: readonly T[]) => new Map(all.map((one) => [one.id, one]))
  return { config, tenants: byId(config.tenants), models: byId(config.models) }
}

test('what both configs allow is as the edge has asked', () => {
  expect(withinPolicy(KEPT, meshOf({}))).toEqual(KEPT)
})

test.each<[string, Readonly<Record<string, unknown>>, Partial<typeof KEPT.cache>]>([
  ['storage at home only: no copy to where it is replicated', { storage: 'home' }, { isPromotable: false }],
  ['a shorter retention: kept no longer', { retention_seconds: 60 }, { ttlSeconds: 60 }],
  ['a longer retention: as long as was asked', { retention_seconds: 7200 }, { ttlSeconds: 3600 }],
])('%s', (_name, tenant, expected) => {
  expect(withinPolicy(KEPT, meshOf(tenant)).cache).toEqual({ ...KEPT.cache, ...expected })
})

test.each<[string, Readonly<Record<string, unknown>>]>([
  ['a tenant that is gone', { id: 'other' }],
  ['a floor that leaves no pool here', { floor: { jurisdictions: ['us'] } }],
  ['nothing to be stored', { storage: 'none' }],
])('of %s nothing is made, and what is known goes no further', (_name, tenant) => {
  const mesh = meshOf(tenant)
  expect(placeJob(KEPT, mesh)).toEqual({ ok: false, error: { reason: 'config_unavailable' } })
  expect(withinPolicy(KEPT, mesh).cache).toEqual({ ...KEPT.cache, isPromotable: false, wantsCopy: false })
})
