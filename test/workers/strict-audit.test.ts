/** A strict tenant: no byte of an answer goes out before its decision is kept, and none at all if that is not kept. */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { aCountedEdge, type Asking, type CountedEdge, type CountedOptions } from './support/counted-edge.ts'

function configWith(change: object, more: object = {}): string {
  // The whole config, as bound in vitest.config.ts.
  const config = JSON.parse(env.MESH_CONFIG ?? '{}') as { tenants: { id: string }[] }
  const tenants = config.tenants.map((tenant) =>
    tenant.id === 'eu-bank' ? { ...tenant, ...change } : tenant,
  )
  return JSON.stringify({ ...config, ...more, tenants })
}

const strict = (more: object = {}) => ({ MESH_CONFIG: configWith({ audit: 'strict' }, more) })

async function aStrictEdge(options: CountedOptions = {}): Promise<CountedEdge> {
  const edge = aCountedEdge({ environment: strict(), ...options })
  await edge.hold('eu-bank')
  return edge
}

const ask = (edge: CountedEdge, asking: Asking = {}): Promise<Response> =>
  edge.ask({ tenant: 'eu-bank', ...asking })

test('the decision is kept beside the pool’s work, and its end behind the answer', async () => {
  const edge = await aStrictEdge()
  const response = await ask(edge)
  expect(response.status).toBe(200)
  expect(await response.text()).toContain('[DONE]')
  expect(edge.events.indexOf('AUDIT_LOG.append')).toBeLessThan(edge.events.indexOf('begun'))
  expect(edge.audited).toHaveLength(1)
  expect(edge.audited[0]).toMatchObject({ event: 'decision', decision: 'allowed', pools: [] })
  expect(edge.audited[0]).toMatchObject({ allowed_pools: ['eu-central'], restricted: true, key: 'k1' })
  await expect.poll(() => edge.audited.length, { timeout: 5_000 }).toBe(2)
  expect(edge.audited[1]).toMatchObject({ event: 'end', status: 200, outcome: 'completed', colo: 'FRA' })
  expect(edge.audited[1]?.request_id).toBe(edge.audited[0]?.request_id)
})

describe.each([
  ['a stream', { stream: true }],
  ['one JSON', { stream: false }],
])('of an answer as %s', (_name, body) => {
  test('nothing goes out while the decision is not kept, whatever the pool has said', async () => {
    const kept = Promise.withResolvers<void>()
    const edge = await aStrictEdge({ auditLog: () => kept.promise })
    const answer = ask(edge, { body })
    await expect.poll(() => edge.events.includes('first token')).toBe(true)
    expect(edge.events).toContain('AUDIT_LOG.append')
    expect(edge.events).not.toContain('begun')
    kept.resolve()
    const response = await answer
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('Well')
  })

  test('nothing of it goes out if the decision cannot be kept: the pool is left, the client told to try again', async () => {
    const edge = await aStrictEdge({ auditLog: () => Promise.reject(new Error('overloaded')) })
    edge.pool.goesOn = true
    const response = await ask(edge, { body })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    const text = await response.text()
    expect(text).toContain('audit_unavailable')
    expect(text).not.toContain('Well')
    expect(response.headers.get('x-mesh-pool')).toBeNull()
    // It was left before it began, or when it had.
    await expect
      .poll(() => edge.events.includes('pool left') || !edge.events.includes('first token'))
      .toBe(true)
  })
})

test('a log that hangs refuses after three seconds, also where a stream would have begun without its answer', async () => {
  const edge = aCountedEdge({
    environment: strict({ limits: { commit_after_ms: 1 } }),
    auditLog: () => new Promise(() => undefined),
  })
  await edge.hold('eu-bank')
  const response = await ask(edge)
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('audit_unavailable')
})

test('a refusal needs no decision to be kept: it is noted behind it', async () => {
  const edge = await aStrictEdge()
  const response = await ask(edge, { headers: { 'x-mesh-residency': 'us' } })
  expect(response.status).toBe(403)
  expect(edge.audited).toEqual([])
  await expect.poll(() => edge.audited.length, { timeout: 5_000 }).toBe(1)
  expect(edge.audited[0]).toMatchObject({ event: 'request', decision: 'refused', status: 403 })
  expect(edge.audited[0]).toMatchObject({ error: 'residency_violation', pools: [] })
})

test('where the platform has no place for its log, a strict tenant is refused before its body is read', async () => {
  const edge = aCountedEdge({
    environment: { ...strict(), MESH_MODE: 'single:us', MESH_NODE_PLACE: '{"colo":"IAD"}' },
  })
  const response = await ask(edge)
  expect(response.status).toBe(403)
  expect(response.headers.get('x-should-retry')).toBe('false')
  expect(await response.text()).toContain('storage_not_available')
  expect(edge.events).not.toContain('pool')
})

test('nobody waits for the log of a tenant that is not strict', async () => {
  const edge = aCountedEdge({ auditLog: () => new Promise(() => undefined) })
  await edge.hold('eu-bank')
  expect((await ask(edge)).status).toBe(200)
})

test('a tenant whose log is off leaves nothing', async () => {
  const edge = aCountedEdge({ environment: { MESH_CONFIG: configWith({ audit: 'off' }) } })
  await edge.hold('eu-bank')
  expect((await ask(edge)).status).toBe(200)
  await Promise.allSettled(edge.background)
  expect(edge.audited).toEqual([])
})
