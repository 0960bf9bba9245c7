/** Under a live lease a private request waits for nothing but its pool, and for a moment for the data centre's cache. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LEASE_TTL_MS } from '../../shared/lease/lease.ts'
import { BATCH_MS } from '../../workers/audit/audit-queue.ts'
import { SPAN_BATCH_MS } from '../../workers/stores/span-queue.ts'
import type { KEYS } from '../support/keys.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { aCountedEdge, aSnapshotOf, START_MS, type CountedEdge } from './support/counted-edge.ts'

const OBJECTS_AND_KV = /^(KV|LOG_SHARD|TENANT_LEDGER|REGION_MONITOR|POOL_MONITOR|AUDIT_LOG)\./
const TENANTS: readonly (keyof typeof KEYS)[] = ['demo', 'eu-bank']

// Timers stand still: a request that waited for something that hangs would never be answered.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const never = (): Promise<never> => new Promise(() => undefined)

/** What left the isolate from the moment a request came in to the moment its pool had a first token for it. */
function onTheWay({ events }: CountedEdge): string[] {
  return events.slice(events.lastIndexOf('asked') + 1, events.lastIndexOf('first token'))
}

async function ask(edge: CountedEdge, tenant: keyof typeof KEYS = 'demo'): Promise<Response> {
  const response = await edge.ask({ tenant })
  expect(response.status).toBe(200)
  expect(await response.text()).toContain('[DONE]')
  return response
}

describe.each(TENANTS)('a request of %s', (tenant) => {
  test('to an isolate that is at work calls its pool and nothing else, before and after', async () => {
    const edge = aCountedEdge()
    await edge.hold(tenant)
    await ask(edge, tenant)
    edge.events.length = 0
    await ask(edge, tenant)
    await ask(edge, tenant)
    const one = ['asked', 'pool', 'first token', 'begun', 'read']
    expect(edge.events).toEqual([...one, ...one])
  })

  test('to an isolate that has just begun looks into the cache, once, and takes what it finds', async () => {
    const edge = aCountedEdge({ monitor: never, cached: aSnapshotOf('us-east', START_MS - 500) })
    await edge.hold(tenant)
    const response = await ask(edge, tenant)
    expect(onTheWay(edge)).toEqual(['cache.match', 'pool'])
    if (tenant === 'demo') expect(response.headers.get('x-mesh-route')).toContain('us-east 9ms')
    expect(edge.isolate.pools.seenFrom('eu-central').snapshotAtMs).toBe(START_MS - 500)
  })
})

describe('when an exchange with the region’s monitor is due', () => {
  test.each([
    ['that is old', aSnapshotOf('us-east', START_MS - 5_000)],
    ['that is empty', undefined],
  ])(
    'with a cache %s, it begins behind the request, when that has gone to its pool',
    async (_name, cached) => {
      const edge = aCountedEdge(cached === undefined ? {} : { cached })
      await edge.hold('demo')
      await ask(edge)
      const calls = edge.events.filter((event) => event !== 'cache.match' && event !== 'cache.put')
      expect(calls.filter((call) => OBJECTS_AND_KV.test(call))).toEqual(['REGION_MONITOR.exchange'])
      expect(calls.indexOf('REGION_MONITOR.exchange')).toBeGreaterThan(calls.indexOf('pool'))
    },
  )

  test('and the monitor hangs for ever, every request is answered all the same', async () => {
    const edge = aCountedEdge({ monitor: never })
    await edge.hold('demo')
    for (let count = 0; count < 3; count += 1) await ask(edge)
    expect(edge.reports).toHaveLength(1)
    expect(edge.events.slice(-5)).toEqual(['asked', 'pool', 'first token', 'begun', 'read'])
  })

  test('and the monitor fails at once, requests are answered all the same', async () => {
    const edge = aCountedEdge({ monitor: () => Promise.reject(new Error('its code was updated')) })
    await edge.hold('demo')
    for (let count = 0; count < 3; count += 1) await ask(edge)
    expect(edge.reports).toHaveLength(1)
    // It is told later.
    expect(edge.isolate.pools.seenFrom('eu-central').hasNews()).toBe(true)
  })

  test('after a rest, it does not wait for it either', async () => {
    let answers: 'well' | 'never' = 'well'
    const edge = aCountedEdge({ monitor: () => (answers === 'well' ? edge.knowsNothing() : never()) })
    await edge.hold('demo')
    await ask(edge)
    // Long enough for what was seen to be told, and shorter than the lease is good for.
    edge.clock.nowMs += LEASE_TTL_MS / 2 - 1
    await vi.advanceTimersByTimeAsync(LEASE_TTL_MS / 2 - 1)
    expect(edge.reports).toHaveLength(2)
    answers = 'never'
    await ask(edge)
    expect(onTheWay(edge).filter((event) => OBJECTS_AND_KV.test(event))).toEqual([])
  })
})

test('what is noted of requests in an audit log is handed over behind them, once for all of a second', async () => {
  const edge = aCountedEdge({ cached: aSnapshotOf('us-east', START_MS - 500) })
  await edge.hold('eu-bank')
  await ask(edge, 'eu-bank')
  await ask(edge, 'eu-bank')
  await ask(edge, 'demo')
  expect(edge.events).not.toContain('AUDIT_LOG.append')
  await vi.advanceTimersByTimeAsync(BATCH_MS)
  expect(edge.events.filter((event) => event === 'AUDIT_LOG.append')).toHaveLength(1)
  expect(edge.audited.map(({ event, decision, pools }) => [event, decision, pools[0]?.pool])).toEqual([
    ['request', 'allowed', 'eu-central'],
    ['request', 'allowed', 'eu-central'],
  ])
})

test('traces are posted behind requests, once for all of two seconds', async () => {
  const exporter = {
    id: 'eu',
    jurisdictions: ['eu'],
    url: 'https://otlp.example.com/v1/traces',
    share: 1,
  }
  const config = aMeshConfig(
    Object.fromEntries(['eu-central', 'us-east', 'ap-southeast'].map((id) => [id, `http://${id}.test`])),
    { telemetry: { exporters: [exporter] } },
  )
  const edge = aCountedEdge({
    monitor: never,
    cached: aSnapshotOf('us-east', START_MS - 500),
    environment: { MESH_CONFIG: JSON.stringify(config) },
  })
  await edge.hold('eu-bank')
  await ask(edge, 'eu-bank')
  edge.events.length = 0
  await ask(edge, 'eu-bank')
  await ask(edge, 'eu-bank')
  const one = ['asked', 'pool', 'first token', 'begun', 'read']
  expect(edge.events).toEqual([...one, ...one])
  // Whatever the runtime sends counts as a pool here.
  edge.events.length = 0
  await vi.advanceTimersByTimeAsync(SPAN_BATCH_MS)
  expect(edge.events.filter((event) => event === 'pool')).toHaveLength(1)
})

test('a lease that is due for renewal is renewed behind the request', async () => {
  const edge = aCountedEdge({ cached: aSnapshotOf('us-east', START_MS - 500) })
  await edge.hold('demo')
  edge.ledger.hangs = true
  edge.clock.nowMs += LEASE_TTL_MS / 2
  await ask(edge)
  expect(edge.events.filter((event) => event === 'TENANT_LEDGER.grantLease')).toHaveLength(1)
})

test('the counting counts: without a lease the ledger is waited for, and a shareable request asks its shard', async () => {
  const edge = aCountedEdge()
  await ask(edge)
  expect(onTheWay(edge)[0]).toBe('TENANT_LEDGER.grantLease')
  edge.events.length = 0
  await edge.ask({ body: { temperature: 0 } })
  expect(edge.events.filter((event) => OBJECTS_AND_KV.test(event))).toContain('LOG_SHARD.open')
})
