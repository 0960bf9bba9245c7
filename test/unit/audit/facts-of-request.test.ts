/** What an entry says of a request, as far as the request came, and that it says no more. */
import { describe, expect, test } from 'vitest'
import { auditWordOf } from '../../../shared/audit/audit-word.ts'
import { auditFacts } from '../../../shared/audit/entry.ts'
import { factsOfDecision, factsOfEnd, type AuditedRequest } from '../../../shared/audit/facts-of-request.ts'
import type { Tenant } from '../../../shared/schema/mesh.ts'
import { aMesh, firstTenant } from '../residency/a-mesh.ts'
import { placementOf } from '../residency/a-placement.ts'

const AT_MS = Date.UTC(2026, 10, 24, 18, 30)
const AT = '2026-11-24T18:30:00.000Z'
const config = aMesh({
  tenants: [{ id: 't', floor: { jurisdictions: ['eu'] }, data_classes: ['health'] }],
})

function aRequest(changes: Partial<AuditedRequest> = {}): AuditedRequest {
  return {
    requestId: 'req_1',
    tenant: firstTenant(config),
    keyId: 'k1',
    arrival: { host: 'mesh.example', colo: 'FRA', country: 'DE', latitude: 50.11, longitude: 8.68 },
    configVersion: 'cfg_1',
    ...changes,
  }
}

const known = { request_id: 'req_1', at: AT, key: 'k1', config: 'cfg_1', country: 'DE', colo: 'FRA' }

test('a request that was refused before it was placed says what is known, and why', () => {
  const end = { status: 403, error: 'termination_not_allowed' } as const
  const facts = factsOfEnd(aRequest(), end, { event: 'request', atMs: AT_MS }, config)
  expect(facts).toEqual({
    ...known,
    event: 'request',
    decision: 'refused',
    status: 403,
    error: 'termination_not_allowed',
    rules: [],
    pools: [],
  })
  expect(auditFacts.parse(facts)).toEqual(facts)
})

test('an answered one says which pools might have been asked, and which answered, where they stand', () => {
  const placement = placementOf(config)
  const ids = placement.pools.map(({ pool }) => pool.id)
  const [first = ''] = ids
  const facts = factsOfEnd(
    aRequest({ placement, home: { region: 'r', jurisdiction: 'eu', enforceJurisdiction: true } }),
    { status: 200, facts: { outcome: 'miss', pool: first, modelVersion: 'v1' }, outcome: 'completed' },
    { event: 'end', atMs: AT_MS },
    config,
  )
  expect(facts).toMatchObject({ event: 'end', decision: 'allowed', status: 200, cache: 'miss' })
  expect(facts).toMatchObject({ outcome: 'completed', model_version: 'v1', restricted: true })
  expect(facts.home).toEqual({ region: 'r', jurisdiction: 'eu' })
  expect(facts.allowed_pools).toEqual(ids)
  expect(facts.allowed_count).toBe(ids.length)
  expect(facts.pools).toEqual([{ pool: first, region: expect.any(String), jurisdiction: 'eu' }])
  expect(auditFacts.parse(facts)).toEqual(facts)
})

test('of a pool that the config does not have any more nothing is claimed but its name', () => {
  const end = { status: 200, facts: { outcome: 'hit', pool: 'gone' }, pools: ['gone', 'also-gone'] } as const
  const facts = factsOfEnd(aRequest(), end, { event: 'request', atMs: AT_MS }, config)
  expect(facts.pools).toEqual([{ pool: 'gone' }, { pool: 'also-gone' }])
})

test('a decision is kept before anybody has answered', () => {
  expect(factsOfDecision(aRequest(), AT_MS)).toEqual({
    ...known,
    event: 'decision',
    decision: 'allowed',
    rules: [],
    pools: [],
  })
})

describe('refused is what got an error and nothing of an answer', () => {
  const decisionOf = (end: Parameters<typeof factsOfEnd>[1]): string =>
    factsOfEnd(aRequest(), end, { event: 'request', atMs: AT_MS }, config).decision
  test.each([
    [{ status: 503, error: 'no_eligible_pool' }, 'refused'],
    [{ status: 200, error: 'no_eligible_pool' }, 'refused'],
    [{ status: 499, error: 'client_cancelled' }, 'allowed'],
    [{ status: 200, error: 'stream_stalled', facts: { outcome: 'miss' } }, 'allowed'],
    [{ status: 200, facts: { outcome: 'hit' } }, 'allowed'],
  ] as const)('%j is %s', (end, decision) => {
    expect(decisionOf(end)).toBe(decision)
  })
})

describe('text of the client', () => {
  test('is no data class unless the key may claim it', () => {
    const classOf = (dataClass: string) => factsOfDecision(aRequest({ dataClass }), AT_MS).data_class
    expect(classOf('health')).toBe('health')
    expect(classOf('my-secret-word')).toBeUndefined()
  })

  test('is nowhere: neither its host nor where the client is', () => {
    expect(JSON.stringify(factsOfDecision(aRequest(), AT_MS))).not.toMatch(/mesh\.example|50\.11|8\.68/)
  })
})

test('only the first 64 of the pools that might be asked are named', () => {
  const [one] = placementOf(config).pools
  const pools = Array.from({ length: 65 }, () => one).filter((pool) => pool !== undefined)
  const facts = factsOfDecision(aRequest({ placement: { ...placementOf(config), pools } }), AT_MS)
  expect(facts.allowed_pools).toHaveLength(64)
  expect(facts.allowed_count).toBe(65)
})

describe('without a word in the config', () => {
  const wordOf = (tenant: object): string => {
    const { audit: _, ...rest } = firstTenant(aMesh({ tenants: [{ id: 't', ...tenant }] }))
    const plain: Tenant = rest
    return auditWordOf(plain)
  }
  test('a tenant that may go anywhere has no log, and one that is bound has one behind its requests', () => {
    expect(wordOf({ floor: { anywhere: true } })).toBe('off')
    expect(wordOf({ floor: { jurisdictions: ['eu'] } })).toBe('batched')
  })
})

test('with one, it counts', () => {
  expect(auditWordOf({ ...firstTenant(config), audit: 'off' })).toBe('off')
  expect(auditWordOf({ ...firstTenant(config), audit: 'strict' })).toBe('strict')
})
