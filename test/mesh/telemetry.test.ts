/** Traces go where their requests may: to the exporters of their jurisdictions, and to nobody else; they cost no request anything. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { chat } from '../support/chat.ts'
import { startCollector, type CollectedSpan, type Collector } from '../support/collector.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from '../support/mesh.ts'

const MARKER = 'zQxTRACEq7Zx'
const EU_SECRET = 'eu-collector-key-0123456789'
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
/** Batches wait two seconds. */
const SOON = { timeout: 15_000, interval: 50 }

const LOST = z.strictObject({
  event: z.literal('spans_lost'),
  exporter: z.string(),
  spans: z.number(),
  why: z.string(),
})

/** What exporters in Singapore do, by the word for it. */
const FAULTS: readonly [string, NonNullable<Parameters<Collector['answerWith']>[0]>][] = [
  ['timeout', () => undefined],
  ['unreachable', (response) => void response.destroy()],
  ['unavailable', (response) => void response.writeHead(503).end()],
  ['refused', (response) => void response.writeHead(400).end(MARKER)],
  ['redirect', (response) => void response.writeHead(307, { location: foreign.url }).end()],
]

let eu: Collector
let us: Collector
let both: Collector
let foreign: Collector
let faulty: readonly Collector[]
let mesh: TestMesh

beforeAll(async () => {
  ;[eu, us, both, foreign] = await Promise.all([
    startCollector(),
    startCollector(),
    startCollector(),
    startCollector(),
  ])
  faulty = await Promise.all(FAULTS.map(startCollector))
  for (const [at, [, script]] of FAULTS.entries()) faulty[at]?.answerWith(script)
  mesh = await startMesh({
    colos: ['FRA', 'IAD', 'SIN'],
    distances: false,
    poolSecrets: { TELEMETRY_EU: EU_SECRET },
    config: (urls) =>
      aMeshConfig(urls, {
        telemetry: {
          exporters: [
            { id: 'eu', jurisdictions: ['eu'], url: eu.url, auth: 'secret:TELEMETRY_EU', share: 1 },
            { id: 'us', jurisdictions: ['us'], url: us.url, share: 1 },
            { id: 'both', jurisdictions: ['eu', 'us'], url: both.url, share: 1 },
            ...FAULTS.map(([why], at) => ({
              id: `sg-${why}`,
              jurisdictions: ['sg'],
              url: faulty[at]?.url,
              share: 1,
            })),
          ],
        },
      }),
  })
})
afterAll(async () => {
  await mesh.stop()
  await Promise.all([eu, us, both, foreign, ...faulty].map((collector) => collector.stop()))
})

type Tenant = keyof typeof KEYS

async function asked(
  colo: string,
  tenant: Tenant,
  { body = {}, headers = {} }: { body?: object; headers?: Record<string, string> } = {},
): Promise<Response> {
  const response = await chat(mesh, colo, `${MARKER} ${tenant}`, {
    tenant,
    body: { max_tokens: 3, temperature: 1, ...body },
    headers,
  })
  await response.text()
  return response
}

function ownSpan(collector: Collector, response: Response): CollectedSpan | undefined {
  const id = response.headers.get('x-request-id')
  return collector.spans().find(({ attributes }) => attributes['warmpath.request_id'] === id)
}

/** Who of them has it, once `first` has. */
async function receivers(response: Response, first: Collector): Promise<string[]> {
  await vi.waitUntil(() => ownSpan(first, response), SOON)
  // A batch of the same request would be under way since then: another request's, begun later, shows that it is not.
  const later = await Promise.all([asked('FRA', 'demo'), asked('IAD', 'demo')])
  await vi.waitUntil(() => ownSpan(eu, later[0]) && ownSpan(us, later[1]), SOON)
  const all = { eu, us, both }
  return Object.entries(all).flatMap(([name, collector]) =>
    ownSpan(collector, response) === undefined ? [] : [name],
  )
}

describe.concurrent('the span of a request', () => {
  test('of a tenant bound to the EU, at an edge in the EU, is at the exporters there alone', async () => {
    const response = await asked('FRA', 'eu-bank')
    expect(response.status).toBe(200)
    expect(await receivers(response, eu)).toEqual(['eu', 'both'])
    expect(us.spans().filter(({ attributes }) => attributes['warmpath.tenant'] === 'eu-bank')).toEqual([])
  })

  test('of a tenant bound to the EU, at an edge elsewhere, is only where both are allowed', async () => {
    const response = await asked('IAD', 'eu-bank')
    expect(response.status).toBe(200)
    expect(await receivers(response, both)).toEqual(['both'])
  })

  test('of a tenant that may go anywhere is where its edge is', async () => {
    const response = await asked('IAD', 'demo')
    expect(await receivers(response, us)).toEqual(['us', 'both'])
  })

  test('that its client narrowed is not where it may not go', async () => {
    const response = await asked('IAD', 'demo', { headers: { 'x-mesh-residency': 'eu' } })
    expect(response.status).toBe(200)
    expect(await receivers(response, both)).toEqual(['both'])
  })

  test('that was refused before it was placed is only where its tenant is bound to', async () => {
    const response = await asked('FRA', 'eu-bank', { body: { model: `${MARKER}-model` } })
    expect(response.status).toBe(404)
    expect(await receivers(response, eu)).toEqual(['eu', 'both'])
    expect(ownSpan(eu, response)).toMatchObject({
      name: 'chat',
      attributes: { 'error.type': 'model_not_found', 'http.response.status_code': '404' },
      status: {},
    })
  })

  test('says what became of it, in the words of the conventions, and goes on with the client’s trace', async () => {
    const response = await asked('FRA', 'eu-bank', {
      body: { stream: true },
      headers: { traceparent: `00-${TRACE}-${PARENT}-01` },
    })
    const span = await vi.waitUntil(() => ownSpan(eu, response), SOON)
    expect(span).toMatchObject({
      traceId: TRACE,
      parentSpanId: PARENT,
      name: 'chat story',
      kind: 2,
      status: {},
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'vllm',
        'gen_ai.request.model': 'story',
        'gen_ai.response.model': 'story',
        'gen_ai.usage.output_tokens': '3',
        'http.response.status_code': '200',
        'warmpath.tenant': 'eu-bank',
        'warmpath.outcome': 'completed',
        'warmpath.cache': 'bypass',
        'warmpath.jurisdiction': 'eu',
        'warmpath.region': 'eu-central',
        'warmpath.colo': 'FRA',
        'warmpath.pool': 'eu-central',
        'warmpath.pool_region': 'eu-central',
        'warmpath.attempts': '1',
        'warmpath.config': response.headers.get('x-mesh-config'),
        'warmpath.stream': true,
      },
    })
    const part = eu.spans().find(({ parentSpanId }) => parentSpanId === span.spanId)
    expect(part).toMatchObject({ traceId: TRACE, name: 'first_token', kind: 3 })
    expect(BigInt(part?.startTimeUnixNano ?? 0) >= BigInt(span.startTimeUnixNano ?? 0)).toBe(true)
    expect(BigInt(part?.endTimeUnixNano ?? 0) <= BigInt(span.endTimeUnixNano ?? 0)).toBe(true)
  })
})

test('posts carry the exporter’s own key, and none that a pool or a client has', async () => {
  const response = await asked('FRA', 'demo')
  await vi.waitUntil(() => ownSpan(both, response), SOON)
  const [post] = eu.posts
  expect(post).toMatchObject({ method: 'POST', path: '/v1/traces' })
  expect(new Map(post?.headers).get('authorization')).toBe(`Bearer ${EU_SECRET}`)
  expect(new Map(post?.headers).get('content-type')).toBe('application/json')
  expect(both.posts.every(({ headers }) => !new Map(headers).has('authorization'))).toBe(true)
})

test(
  'exporters that fail cost no request anything, and what is lost is counted',
  { timeout: 60_000 },
  async () => {
    const beganAtMs = Date.now()
    const responses = await Promise.all([1, 2, 3].map(() => asked('SIN', 'demo')))
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200])
    // Nobody has waited for the one that never answers, which is given up after five seconds.
    expect(Date.now() - beganAtMs).toBeLessThan(5_000)
    // Of each request two: its own, and that of its pool's part.
    const all = Object.fromEntries(FAULTS.map(([why]) => [`sg-${why}`, { why, spans: 6 }]))
    await expect.poll(lostByExporter, { timeout: 40_000, interval: 100 }).toEqual(all)
    const again = await asked('SIN', 'demo')
    expect(again.status).toBe(200)
    const counted = FAULTS.map(
      ([why]) => `mesh_spans_total{region="ap-southeast",exporter="sg-${why}",outcome="${why}"} 6`,
    )
    await expect.poll(spanCounts, SOON).toEqual(expect.arrayContaining(counted))
  },
)

function lostByExporter(): Record<string, { why: string; spans: number }> {
  const lost: Record<string, { why: string; spans: number }> = {}
  for (const line of mesh.logs.filter((text) => text.includes('"spans_lost"'))) {
    const { exporter, spans, why } = LOST.parse(JSON.parse(line))
    lost[exporter] = { why, spans: spans + (lost[exporter]?.spans ?? 0) }
  }
  return lost
}

async function spanCounts(): Promise<string[]> {
  const response = await mesh.fetch('SIN', '/metrics', {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  return (await response.text()).split('\n').filter((line) => line.startsWith('mesh_spans_total{'))
}

test('no redirect was followed, and nothing of a prompt, an answer or a key is in a trace or a log', () => {
  expect(foreign.posts).toEqual([])
  const all = [eu, us, both, ...faulty]
  const written = [...all.flatMap(({ posts }) => posts.map(({ body }) => body)), ...mesh.logs]
  expect(written.length).toBeGreaterThan(20)
  for (const secret of [MARKER, EU_SECRET, ...Object.values(KEYS), '127.0.0.1'])
    expect(written.filter((text) => text.includes(secret))).toEqual([])
})
