/** A shard that runs a stricter config than the edge keeps an answer no longer, and copies it no further, than its own allows. */
import { expect, test } from 'vitest'
import type { MeshConfig } from '../../../../shared/schema/mesh.ts'
import { placeJob, resumeWithinPolicy, withinPolicy } from '../../../../workers/objects/place-job.ts'
import type { ResumeJob } from '../../../../workers/objects/log-shard-rpc.ts'
import { aGenerationJob, cachedAs } from '../../../support/generation-job.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'

const POOLS = ['eu-central', 'us-east', 'ap-southeast']
const KEPT = cachedAs(aGenerationJob('What is kept?'), {
  isPromotable: true,
  wantsCopy: true,
  ttlSeconds: 3600,
})

const HERE = { host: 'edge.test', colo: 'FRA' }
const AT_HOME = { region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: true }
const BACK: ResumeJob = {
  run: 'run 0',
  fingerprint: KEPT.fingerprint,
  take: 'take',
  wrappedKey: KEPT.wrappedKey,
  events: 3,
  home: KEPT.home,
  tenant: 'demo',
  keyId: 'k1',
  model: 'story',
  residency: [KEPT.residency],
  allowedPools: POOLS,
}

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
  expect(withinPolicy(KEPT, mesh)).toEqual({
    ...KEPT,
    allowedPools: [],
    cache: { ...KEPT.cache, isPromotable: false, wantsCopy: false },
  })
  expect(resumeWithinPolicy(BACK, mesh).allowedPools).toEqual([])
})

const NOT_IN_THE_US = [{ id: 'r', match: { tenants: ['demo'] }, except: { jurisdictions: ['us'] } }]

test('pools that a rule here takes away have made nothing for who asks or comes back', () => {
  const mesh = meshOf({}, { rules: NOT_IN_THE_US })
  const job = { ...KEPT, home: AT_HOME }
  expect(withinPolicy(job, mesh).allowedPools).toEqual(['eu-central', 'ap-southeast'])
  expect(resumeWithinPolicy({ ...BACK, home: AT_HOME }, mesh).allowedPools).toEqual([
    'eu-central',
    'ap-southeast',
  ])
})

test('pools that this config allows and the edge does not stay out', () => {
  const changes = { allowedPools: ['us-east'] }
  expect(withinPolicy({ ...KEPT, ...changes }, meshOf({})).allowedPools).toEqual(['us-east'])
  expect(resumeWithinPolicy({ ...BACK, ...changes }, meshOf({})).allowedPools).toEqual(['us-east'])
})

test('of who comes back all that was ever said counts', () => {
  const [said] = BACK.residency
  const residency = [
    { ...said, arrival: HERE, narrow: ['eu', 'us'] },
    { ...said, arrival: HERE, narrow: ['us', 'sg'] },
  ]
  const back = { ...BACK, residency, home: { ...AT_HOME, region: 'us-east', jurisdiction: 'us' } }
  expect(resumeWithinPolicy(back, meshOf({})).allowedPools).toEqual(['us-east'])
  // Where it is kept is not where what was said leaves it to be.
  expect(resumeWithinPolicy({ ...back, home: AT_HOME }, meshOf({})).allowedPools).toEqual([])
})

test.each<[string, number | undefined, number | undefined, number | undefined]>([
  ['neither', undefined, undefined, undefined],
  ['the edge alone', 60, undefined, 60],
  ['this config alone', undefined, 60, 60],
  ['both', 60, 30, 30],
])('what is retained by the word of %s is not read on after it', (_name, asked, own, expected) => {
  const job = { ...BACK, ...(asked === undefined ? {} : { maxAgeSeconds: asked }) }
  const mesh = meshOf(own === undefined ? {} : { retention_seconds: own })
  expect(resumeWithinPolicy(job, mesh).maxAgeSeconds).toBe(expected)
})
