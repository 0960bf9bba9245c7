/** GET /metrics sums up what every data centre has served, in a text that a Prometheus parser accepts, and tells of no content. */
import { afterEach, expect, test } from 'vitest'
import { admin } from '../support/admin.ts'
import { chat, poolOf } from '../support/chat.ts'
import { askForVectors } from '../support/embed.ts'
import { MARKER } from '../support/leak-watch.ts'
import { KEYS } from '../support/mesh-config.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from '../support/mesh.ts'
import { parsedMetrics, sumOf, type ParsedMetrics } from '../support/parsed-metrics.ts'

let mesh: TestMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

/** Counts arrive with the next exchange. */
const WAIT = { timeout: 20_000, interval: 200 }
const SHARED = { body: { temperature: 0, max_tokens: 4 } }

async function scrape(from: TestMesh, colo: string): Promise<ParsedMetrics> {
  const response = await from.fetch(colo, '/metrics', { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parsedMetrics(await response.text())
}

test('what three data centres have served is summed up, whichever is asked', async () => {
  const started = (mesh = await startMesh())
  for (const colo of ['FRA', 'IAD', 'SIN']) {
    await poolOf(chat(started, colo, `A tale for ${MARKER}`, SHARED))
    await poolOf(chat(started, colo, `A tale for ${MARKER}`, SHARED))
    await poolOf(chat(started, colo, 'Another', { body: { max_tokens: 4, stream: true } }))
  }
  await poolOf(chat(started, 'IAD', 'Of a bank', { tenant: 'eu-bank', body: { max_tokens: 4 } }))
  const refused = await started.fetch('SIN', '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer sk-mesh-demo-${MARKER}` },
    body: '{}',
  })
  expect(refused.status).toBe(401)

  await expect.poll(async () => sumOf(await scrape(started, 'FRA'), 'mesh_requests_total'), WAIT).toBe(11)
  const families = await scrape(started, 'SIN')
  expect(sumOf(families, 'mesh_up')).toBe(3)
  expect(sumOf(families, 'mesh_requests_total', { tenant: 'demo', outcome: 'completed' })).toBe(9)
  expect(sumOf(families, 'mesh_requests_total', { tenant: 'eu-bank', region: 'us-east' })).toBe(1)
  expect(sumOf(families, 'mesh_refusals_total', { reason: 'invalid_api_key', region: 'ap-southeast' })).toBe(
    1,
  )
  expect(sumOf(families, 'mesh_cache_outcomes_total', { outcome: 'miss' })).toBeGreaterThanOrEqual(1)
  expect(sumOf(families, 'mesh_cache_outcomes_total', { outcome: 'hit' })).toBeGreaterThanOrEqual(3)
  expect(sumOf(families, 'mesh_cache_outcomes_total', { outcome: 'bypass', detail: 'sampled' })).toBe(4)
  expect(sumOf(families, 'mesh_tokens_saved_total', { by: 'hit', type: 'output' })).toBeGreaterThanOrEqual(12)
  expect(sumOf(families, 'gen_ai_server_time_to_first_token_seconds_count')).toBe(10)
  expect(sumOf(families, 'mesh_overhead_seconds_count')).toBeGreaterThanOrEqual(4)
  expect(sumOf(families, 'mesh_pool_breaker_state', { state: 'closed', region: 'eu-central' })).toBe(3)
})

test('nothing that a client wrote becomes a label', async () => {
  const started = (mesh = await startMesh({ colos: ['FRA'] }))
  await poolOf(chat(started, 'FRA', MARKER, { body: { user: MARKER, max_tokens: 2 } }))
  await poolOf(chat(started, 'FRA', 'Hello', { body: { model: MARKER } }))
  await (await askForVectors(started, 'FRA', [MARKER])).text()
  await expect.poll(async () => sumOf(await scrape(started, 'FRA'), 'mesh_requests_total'), WAIT).toBe(3)
  const text = await (await admin(started, 'FRA', '/metrics')).text()
  expect(text).toContain('outcome="model_not_found"')
  for (const secret of [MARKER, KEYS.demo, started.engines['eu-central']?.url ?? '']) {
    expect(text).not.toContain(secret)
  }
})

test('without the admin token there are no metrics', async () => {
  const started = (mesh = await startMesh({ colos: ['FRA'] }))
  for (const authorization of ['', `Bearer ${KEYS.demo}`, 'Bearer wrong']) {
    const response = await started.fetch('FRA', '/metrics', { headers: { authorization } })
    expect(response.status).toBe(401)
    expect(await response.text()).not.toContain('mesh_')
  }
})
