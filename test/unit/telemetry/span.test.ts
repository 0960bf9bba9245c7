/** What a span says, and that it can say nothing else. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import '../../support/property-seed.ts'
import { exportBody } from '../../../shared/telemetry/export-body.ts'
import { isFault, spansOf, type TracedRequest } from '../../../shared/telemetry/span.ts'
import { traceIdsOf } from '../../../shared/telemetry/trace-parent.ts'
import { aCounted } from '../metrics/a-request.ts'

function aTraced(changes: Partial<TracedRequest> = {}): TracedRequest {
  return {
    ...aCounted(),
    ids: traceIdsOf('req_0123456789abcdef01234567', null),
    requestId: 'req_0123456789abcdef01234567',
    receivedAtMs: 1_900_000_000_000,
    status: 200,
    jurisdiction: 'eu',
    edgeRegion: 'eu-central',
    colo: 'FRA',
    config: 'cfg_0123456789ab',
    modelVersion: '1',
    dialect: 'azure',
    poolRegion: 'eu-central',
    stream: true,
    ...changes,
  }
}

/** Every attribute that there is. */
const KEYS = [
  'error.type',
  'gen_ai.operation.name',
  'gen_ai.provider.name',
  'gen_ai.request.model',
  'gen_ai.response.model',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'http.response.status_code',
  'warmpath.attempts',
  'warmpath.cache',
  'warmpath.cache_detail',
  'warmpath.colo',
  'warmpath.config',
  'warmpath.jurisdiction',
  'warmpath.model_version',
  'warmpath.outcome',
  'warmpath.pool',
  'warmpath.pool_region',
  'warmpath.region',
  'warmpath.request_id',
  'warmpath.stream',
  'warmpath.tenant',
]

test('an answer that a pool made is two spans: all of it, and the pool’s part until its first token', () => {
  const [own, pool] = spansOf(aTraced())
  expect(own).toEqual({
    traceId: expect.stringMatching(/0123456789abcdef01234567$/) as string,
    spanId: '89abcdef01234567',
    name: 'chat story',
    kind: 2,
    startTimeUnixNano: '1900000000000000000',
    endTimeUnixNano: '1900000000700000000',
    attributes: [
      { key: 'gen_ai.operation.name', value: { stringValue: 'chat' } },
      { key: 'gen_ai.provider.name', value: { stringValue: 'azure.ai.openai' } },
      { key: 'gen_ai.request.model', value: { stringValue: 'story' } },
      { key: 'gen_ai.response.model', value: { stringValue: 'story' } },
      { key: 'gen_ai.usage.input_tokens', value: { intValue: '100' } },
      { key: 'gen_ai.usage.output_tokens', value: { intValue: '11' } },
      { key: 'gen_ai.usage.cache_read.input_tokens', value: { intValue: '64' } },
      { key: 'http.response.status_code', value: { intValue: '200' } },
      { key: 'warmpath.request_id', value: { stringValue: 'req_0123456789abcdef01234567' } },
      { key: 'warmpath.tenant', value: { stringValue: 'demo' } },
      { key: 'warmpath.outcome', value: { stringValue: 'completed' } },
      { key: 'warmpath.cache', value: { stringValue: 'miss' } },
      { key: 'warmpath.jurisdiction', value: { stringValue: 'eu' } },
      { key: 'warmpath.region', value: { stringValue: 'eu-central' } },
      { key: 'warmpath.colo', value: { stringValue: 'FRA' } },
      { key: 'warmpath.config', value: { stringValue: 'cfg_0123456789ab' } },
      { key: 'warmpath.model_version', value: { stringValue: '1' } },
      { key: 'warmpath.stream', value: { boolValue: true } },
      { key: 'warmpath.pool', value: { stringValue: 'near' } },
      { key: 'warmpath.pool_region', value: { stringValue: 'eu-central' } },
      { key: 'warmpath.attempts', value: { intValue: '1' } },
    ],
    status: {},
  })
  expect(pool).toMatchObject({
    traceId: own?.traceId,
    parentSpanId: own?.spanId,
    spanId: '0123456789abcdef',
    name: 'first_token',
    kind: 3,
    startTimeUnixNano: '1900000000040000000',
    endTimeUnixNano: '1900000000200000000',
  })
})

test.each(['hit', 'coalesced', 'extended', 'resumed'] as const)(
  'of an answer that is %s the pool’s part was another request’s',
  (cache) => {
    expect(spansOf(aTraced({ cache }))).toHaveLength(1)
  },
)

test.each<[string, Partial<TracedRequest>, boolean, string | undefined]>([
  ['a whole answer', {}, false, undefined],
  ['one that its client left', { outcome: 'client_cancelled' }, false, 'client_cancelled'],
  ['one that broke off', { outcome: 'truncated' }, true, 'truncated'],
  ['an error in a stream', { outcome: 'stalled', error: 'stream_stalled' }, true, 'stream_stalled'],
  [
    'a refusal',
    { status: 404, outcome: 'model_not_found', error: 'model_not_found' },
    false,
    'model_not_found',
  ],
  [
    'a mesh without pools',
    { status: 503, outcome: 'no_eligible_pool', error: 'no_eligible_pool' },
    true,
    'no_eligible_pool',
  ],
])('%s is a fault, or is not, and has its error’s name', (_, changes, isFaulty, error) => {
  const request = aTraced(changes)
  expect(isFault(request)).toBe(isFaulty)
  const [own] = spansOf(request)
  expect(own?.status).toEqual(isFaulty ? { code: 2 } : {})
  const named = own?.attributes.find(({ key }) => key === 'error.type')
  expect(named?.value).toEqual(error === undefined ? undefined : { stringValue: error })
})

test('a clock that went back makes no span that ends before it begins', () => {
  const spans = spansOf(aTraced({ totalMs: -5, firstTokenMs: -5, poolFirstTokenMs: 10 }))
  for (const { startTimeUnixNano, endTimeUnixNano } of spans) expect(endTimeUnixNano).toBe(startTimeUnixNano)
})

test('whatever else is at hand, a span has the attributes of the list and no other', () => {
  const text = fc.option(fc.string(), { nil: undefined })
  const changes = fc.record({
    tenant: text,
    model: text,
    error: text,
    outcome: fc.string(),
    cacheDetail: text,
    pool: text,
    dialect: text,
    poolRegion: text,
    colo: text,
    status: fc.integer({ min: 200, max: 599 }),
  })
  fc.assert(
    fc.property(changes, fc.string(), (changed, secret) => {
      const marked = `zQx${secret}`
      const withMore = {
        ...aTraced(changed),
        prompt: marked,
        url: marked,
        headers: { authorization: marked },
      }
      const spans = spansOf(withMore)
      for (const { attributes } of spans)
        expect(attributes.filter(({ key }) => !KEYS.includes(key))).toEqual([])
      const body = exportBody(spans)
      expect(body).not.toContain(JSON.stringify(marked).slice(1, -1))
    }),
  )
})

test('docs/telemetry.md describes every attribute', () => {
  const doc = readFileSync('docs/telemetry.md', 'utf8')
  expect(KEYS.filter((key) => !doc.includes(`\`${key}\``))).toEqual([])
})
