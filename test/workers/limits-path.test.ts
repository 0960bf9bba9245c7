/** Under a live slice a limited tenant's request waits for its pool and for nothing else; without one it is told what to do. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DrawAnswer } from '../../workers/objects/ledger-rpc.ts'
import { aCountedEdge, aSnapshotOf, START_MS, type CountedEdge } from './support/counted-edge.ts'

const OBJECTS_AND_KV = /^(KV|LOG_SHARD|TENANT_LEDGER|REGION_MONITOR|POOL_MONITOR)\./
const AMPLE = {
  limits: { rpm: 100_000, tpm: 100_000_000, concurrent: 10_000 },
  budget: { period: 'month', dollars: 1_000_000 },
}

// Timers stand still: what is told behind requests is told when a test says so.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function anEdge(options: Parameters<typeof aCountedEdge>[0] = {}): CountedEdge {
  return aCountedEdge({ terms: AMPLE, cached: aSnapshotOf('us-east', START_MS - 500), ...options })
}

function calls({ events }: CountedEdge): string[] {
  return events.filter((event) => OBJECTS_AND_KV.test(event) && !event.startsWith('REGION_MONITOR'))
}

function draws(edge: CountedEdge): number {
  return calls(edge).filter((call) => call === 'TENANT_LEDGER.draw').length
}

test('a request of a tenant with ample limits calls its pool and no object, before and after', async () => {
  const edge = anEdge()
  await edge.hold('demo')
  await edge.ask()
  edge.events.length = 0
  await edge.ask()
  expect(edge.events).toEqual(['asked', 'pool', 'first token', 'begun', 'read'])
})

test('the next slice is asked for behind a request: one that hangs keeps nobody waiting', async () => {
  const edge = anEdge()
  await edge.hold('demo')
  await edge.ask()
  edge.ledger.hangs = true
  // Half of the slice's life is over, and so is half of the lease's.
  edge.clock.nowMs += 2_600
  edge.events.length = 0
  const response = await edge.ask()
  expect(response.status).toBe(200)
  expect(draws(edge)).toBe(1)
})

test('what was used is told a second later, in one call for all requests', async () => {
  const edge = anEdge()
  await edge.hold('demo')
  for (let count = 0; count < 3; count += 1) await edge.ask()
  expect(calls(edge)).not.toContain('TENANT_LEDGER.settle')
  edge.clock.nowMs += 1000
  await vi.advanceTimersByTimeAsync(1000)
  expect(calls(edge).filter((call) => call === 'TENANT_LEDGER.settle')).toHaveLength(1)
})

describe('a refusal', () => {
  const refused = (limit: 'requests' | 'budget', waitMs: number) => (): DrawAnswer => ({
    kind: 'refused',
    refusal: { limit, waitMs },
    levels: { requests: 0 },
  })

  test('of the requests of a minute says when to come back, and what is left', async () => {
    const edge = anEdge({ draw: refused('requests', 2_500), terms: { limits: { rpm: 60 } } })
    await edge.hold('demo')
    const response = await edge.ask()
    expect(response.status).toBe(429)
    expect(await response.json()).toMatchObject({
      error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
    })
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'retry-after': '3',
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1m0s',
    })
    expect(response.headers.get('x-should-retry')).toBe('true')
  })

  test('that lasts more than a minute stops the SDKs’ own retries', async () => {
    const edge = anEdge({ draw: refused('requests', 61_000), terms: { limits: { rpm: 1 } } })
    await edge.hold('demo')
    const { headers } = await edge.ask()
    expect([headers.get('retry-after'), headers.get('x-should-retry')]).toEqual(['60', 'false'])
  })

  test('of a budget is final', async () => {
    const edge = anEdge({ draw: refused('budget', 3_600_000) })
    await edge.hold('demo')
    const response = await edge.ask()
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([429, 'false'])
    expect(await response.json()).toMatchObject({
      error: { type: 'insufficient_quota', code: 'insufficient_quota' },
    })
  })

  test('is remembered for a moment: a client that hammers does not reach the ledger each time', async () => {
    const edge = anEdge({ draw: refused('requests', 2_500), terms: { limits: { rpm: 60 } } })
    await edge.hold('demo')
    for (let count = 0; count < 5; count += 1) await edge.ask()
    expect(draws(edge)).toBe(1)
    edge.clock.nowMs += 250
    await edge.ask()
    expect(draws(edge)).toBe(2)
  })
})

describe('a ledger that cannot be reached', () => {
  const down = (): DrawAnswer => {
    throw new Error('its code was updated')
  }

  test('refuses, unless the operator says otherwise', async () => {
    const edge = anEdge({ draw: down })
    await edge.hold('demo')
    const response = await edge.ask()
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'limits_unavailable' } })
    expect(draws(edge)).toBe(2)
  })

  test('lets an isolate use as much as it was last granted, every five seconds, where the operator says so', async () => {
    let isDown = false
    const edge = anEdge({
      terms: { ...AMPLE, ledger_down: 'last_lease' },
      draw: ({ want, need }) =>
        isDown
          ? down()
          : {
              kind: 'granted',
              granted: { ...want, requests: 2 * need.requests },
              levels: {},
              usualOutputs: {},
            },
    })
    await edge.hold('demo')
    expect((await edge.ask()).status).toBe(200)
    isDown = true
    const statuses: number[] = []
    for (let count = 0; count < 5; count += 1) statuses.push((await edge.ask()).status)
    // The rest of its slice, the same again, and no more.
    expect(statuses).toEqual([200, 200, 200, 503, 503])
    edge.clock.nowMs += 5_000
    expect((await edge.ask()).status).toBe(200)
  })
})

test('a tenant without limits asks nobody, and what it uses is told all the same', async () => {
  const edge = aCountedEdge({ cached: aSnapshotOf('us-east', START_MS - 500) })
  await edge.hold('demo')
  const { headers } = await edge.ask()
  expect(headers.get('x-ratelimit-limit-requests')).toBeNull()
  edge.clock.nowMs += 1000
  await vi.advanceTimersByTimeAsync(1000)
  expect([draws(edge), calls(edge)]).toEqual([0, ['TENANT_LEDGER.settle']])
})
