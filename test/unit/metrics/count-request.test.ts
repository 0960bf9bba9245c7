/** What a request adds to the counts, by how it was answered. */
import { describe, expect, test } from 'vitest'
import { countRequest, type CountedRequest } from '../../../shared/metrics/count-request.ts'
import { createCounts, type Counts } from '../../../shared/metrics/counts.ts'
import { aCounted } from './a-request.ts'

function counted(changes: Partial<CountedRequest> = {}): Counts {
  const counts = createCounts()
  countRequest(counts, aCounted(changes))
  return counts
}

/** Series by labels, and how often and how long in milliseconds. */
function durations({ histograms }: Counts, name: string): Record<string, readonly [number, number]> {
  return Object.fromEntries(
    Object.entries(histograms[name] ?? {}).map(([labels, { buckets, sumMicros }]) => [
      labels,
      [buckets.reduce((sum, count) => sum + count, 0), sumMicros / 1_000],
    ]),
  )
}

const CHAT = 'gen_ai_operation_name="chat",gen_ai_request_model="story"'

test('an answer that a pool made counts its tokens, its times and what the mesh added', () => {
  const counts = counted()
  expect(counts.counters).toEqual({
    mesh_requests_total: { 'tenant="demo",model="story",surface="chat",outcome="completed"': 1 },
    mesh_cache_outcomes_total: { 'model="story",outcome="miss"': 1 },
    mesh_attempts_total: { 'model="story"': 1 },
    mesh_tokens_computed_total: {
      'tenant="demo",model="story",type="input"': 100,
      'tenant="demo",model="story",type="output"': 11,
    },
    mesh_tokens_cached_total: { 'tenant="demo",model="story"': 64 },
  })
  expect(durations(counts, 'gen_ai_server_request_duration_seconds')).toEqual({ [CHAT]: [1, 700] })
  expect(durations(counts, 'gen_ai_server_time_to_first_token_seconds')).toEqual({
    [`${CHAT},cache="miss"`]: [1, 200],
  })
  expect(durations(counts, 'gen_ai_server_time_per_output_token_seconds')).toEqual({ [CHAT]: [1, 50] })
  expect(durations(counts, 'mesh_pool_time_to_first_token_seconds')).toEqual({
    'model="story",pool="near"': [1, 160],
  })
  expect(durations(counts, 'mesh_overhead_seconds')).toEqual({ 'model="story"': [1, 40] })
})

test.each(['hit', 'coalesced'] as const)(
  'a %s saves its tokens, and what its pool did is not counted again',
  (cache) => {
    const { counters, histograms } = counted({ cache, attempts: 3, pools: ['near', 'far'] })
    expect(counters).toEqual({
      mesh_requests_total: { 'tenant="demo",model="story",surface="chat",outcome="completed"': 1 },
      mesh_cache_outcomes_total: { [`model="story",outcome="${cache}"`]: 1 },
      mesh_tokens_saved_total: {
        [`tenant="demo",model="story",type="input",by="${cache}"`]: 100,
        [`tenant="demo",model="story",type="output",by="${cache}"`]: 11,
      },
    })
    expect(Object.keys(histograms).toSorted()).toEqual([
      'gen_ai_server_request_duration_seconds',
      'gen_ai_server_time_to_first_token_seconds',
    ])
  },
)

test('a reader who comes back saves nothing and makes nothing', () => {
  const { counters, histograms } = counted({ cache: 'resumed' })
  expect(Object.keys(counters)).toEqual(['mesh_requests_total', 'mesh_cache_outcomes_total'])
  expect(Object.keys(histograms)).toEqual(['gen_ai_server_request_duration_seconds'])
})

describe('pools that failed', () => {
  test('before the first token are retries, and their time is not called overhead', () => {
    const { counters, histograms } = counted({ attempts: 3 })
    expect(counters).toMatchObject({
      mesh_attempts_total: { 'model="story"': 3 },
      mesh_retries_total: { 'model="story"': 2 },
    })
    expect(histograms).not.toHaveProperty('mesh_overhead_seconds')
  })

  test('in mid-stream are failovers from the one that began', () => {
    const { counters } = counted({ pools: ['near', 'far', 'third'] })
    expect(counters['mesh_failovers_total']).toEqual({ 'model="story",pool="near"': 2 })
  })
})

test('an answer whose log could not be asked may be a duplicate; one that is sampled is none', () => {
  const lost = counted({ cache: 'bypass', cacheDetail: 'shard_unreachable' }).counters
  expect(lost['mesh_possible_duplicates_total']).toEqual({ 'model="story",reason="shard_unreachable"': 1 })
  const sampled = counted({ cache: 'bypass', cacheDetail: 'sampled' }).counters
  expect(sampled).not.toHaveProperty('mesh_possible_duplicates_total')
  expect(sampled['mesh_cache_outcomes_total']).toEqual({
    'model="story",outcome="bypass",detail="sampled"': 1,
  })
})

test('a refusal counts by its reason, and as no answer', () => {
  const counts = createCounts()
  countRequest(counts, { surface: 'chat', outcome: 'invalid_api_key', error: 'invalid_api_key', totalMs: 2 })
  expect(counts.counters).toEqual({
    mesh_requests_total: { 'surface="chat",outcome="invalid_api_key"': 1 },
    mesh_refusals_total: { 'reason="invalid_api_key"': 1 },
  })
  expect(durations(counts, 'gen_ai_server_request_duration_seconds')).toEqual({
    'gen_ai_operation_name="chat",error_type="invalid_api_key"': [1, 2],
  })
})

test('an answer that broke has no pace', () => {
  const { counters, histograms } = counted({ outcome: 'stalled', error: 'stream_stalled' })
  expect(counters['mesh_requests_total']).toEqual({
    'tenant="demo",model="story",surface="chat",outcome="stalled"': 1,
  })
  expect(histograms).not.toHaveProperty('gen_ai_server_time_per_output_token_seconds')
})

test('embeddings have no first token', () => {
  const { counters, histograms } = counted({ surface: 'embeddings' })
  expect(counters['mesh_tokens_computed_total']).toBeDefined()
  expect(Object.keys(histograms)).toEqual(['gen_ai_server_request_duration_seconds'])
})
