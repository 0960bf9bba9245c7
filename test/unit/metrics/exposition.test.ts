/** What is exposed can be read by a parser that is not ours, and says of every region what its monitor said. */
import { expect, test } from 'vitest'
import { createCounts, type Counts } from '../../../shared/metrics/counts.ts'
import { countRequest } from '../../../shared/metrics/count-request.ts'
import { COUNTERS, HISTOGRAMS } from '../../../shared/metrics/definitions.ts'
import { exposition } from '../../../shared/metrics/exposition.ts'
import { GAUGES } from '../../../shared/metrics/gauges.ts'
import { UNMEASURED } from '../../../shared/pool/pool-measures.ts'
import type { SharedPool } from '../../../shared/pool/region-snapshot.ts'
import { parsedMetrics } from '../../support/parsed-metrics.ts'
import { aCounted } from './a-request.ts'

const T0 = 1_700_000_000_000

function told(counts: Counts, pools: Readonly<Record<string, SharedPool>> = {}) {
  return { sinceMs: T0 - 5_000, counts, snapshot: { region: 'eu', atMs: T0, pools, tokenRatios: {} } }
}

function twoRequests(): Counts {
  const counts = createCounts()
  countRequest(counts, aCounted())
  countRequest(counts, aCounted({ tenant: 'a"quoted\\tenant' }))
  return counts
}

const POOL: SharedPool = {
  measures: UNMEASURED,
  load: { atMs: T0 - 1_000, running: 4, waiting: 0 },
  inFlight: 3,
  tokensPerSecond: 12.5,
  isDrained: true,
}

test('every metric has its type, also before anything was counted', () => {
  const families = parsedMetrics(exposition([{ region: 'eu', metrics: told(createCounts()) }], T0))
  const names = [...Object.keys(COUNTERS), ...Object.keys(HISTOGRAMS), ...Object.keys(GAUGES)]
  expect([...families.keys()].toSorted()).toEqual(
    ['mesh_up', 'mesh_counting_since_seconds', ...names].toSorted(),
  )
  expect(families.get('mesh_requests_total')?.type).toBe('COUNTER')
  expect(families.get('mesh_overhead_seconds')?.type).toBe('HISTOGRAM')
  expect(families.get('mesh_pool_waiting')?.type).toBe('GAUGE')
})

test('counters and histograms stand under the region that counted them', () => {
  const families = parsedMetrics(exposition([{ region: 'eu', metrics: told(twoRequests()) }], T0))
  expect(families.get('mesh_requests_total')?.metrics).toEqual([
    {
      labels: { region: 'eu', tenant: 'demo', model: 'story', surface: 'chat', outcome: 'completed' },
      value: '1',
    },
    {
      labels: {
        region: 'eu',
        tenant: 'a"quoted\\tenant',
        model: 'story',
        surface: 'chat',
        outcome: 'completed',
      },
      value: '1',
    },
  ])
  const of = { region: 'eu', model: 'story' }
  const buckets = families.get('mesh_overhead_seconds_bucket')?.metrics ?? []
  expect(buckets.map(({ labels, value }) => [labels?.['le'], value])).toEqual([
    ['0.001', '0'],
    ['0.002', '0'],
    ['0.005', '0'],
    ['0.01', '0'],
    ['0.02', '0'],
    ['0.05', '2'],
    ['0.1', '2'],
    ['0.2', '2'],
    ['0.5', '2'],
    ['1', '2'],
    ['+Inf', '2'],
  ])
  expect(buckets[0]?.labels).toEqual({ ...of, le: '0.001' })
  expect(families.get('mesh_overhead_seconds_sum')?.metrics).toEqual([{ labels: of, value: '0.08' }])
  expect(families.get('mesh_overhead_seconds_count')?.metrics).toEqual([{ labels: of, value: '2' }])
})

test('a region whose monitor does not answer is down, and keeps back nothing of the others', () => {
  const regions = [{ region: 'eu', metrics: told(twoRequests()) }, { region: 'us' }]
  const families = parsedMetrics(exposition(regions, T0))
  expect(families.get('mesh_up')?.metrics).toEqual([
    { labels: { region: 'eu' }, value: '1' },
    { labels: { region: 'us' }, value: '0' },
  ])
  expect(families.get('mesh_counting_since_seconds')?.metrics).toEqual([
    { labels: { region: 'eu' }, value: '1699999995' },
  ])
  expect(families.get('mesh_requests_total')?.metrics).toHaveLength(2)
})

test('what a pool says of itself is exposed while it is young, and what it does not say is not', () => {
  const text = (nowMs: number) =>
    exposition([{ region: 'eu', metrics: told(createCounts(), { near: POOL }) }], nowMs)
  const young = parsedMetrics(text(T0))
  const of = { labels: { region: 'eu', pool: 'near' } }
  expect(young.get('mesh_pool_running')?.metrics).toEqual([{ ...of, value: '4' }])
  expect(young.get('mesh_pool_waiting')?.metrics).toEqual([{ ...of, value: '0' }])
  expect(young.get('mesh_pool_kv_use_ratio')?.metrics).toEqual([])
  expect(young.get('mesh_pool_in_flight')?.metrics).toEqual([{ ...of, value: '3' }])
  expect(young.get('mesh_pool_drained')?.metrics).toEqual([{ ...of, value: '1' }])
  expect(young.get('mesh_pool_sent_tokens_per_second')?.metrics).toEqual([{ ...of, value: '12.5' }])
  expect(
    young.get('mesh_pool_breaker_state')?.metrics.map(({ labels, value }) => [labels?.['state'], value]),
  ).toEqual([
    ['closed', '1'],
    ['open', '0'],
    ['half_open', '0'],
  ])
  const old = parsedMetrics(text(T0 + 9_001))
  expect(old.get('mesh_pool_running')?.metrics).toEqual([])
  expect(old.get('mesh_pool_in_flight')?.metrics).toHaveLength(1)
})
