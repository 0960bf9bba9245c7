/** What a key has used, and what it was saved: from private and shared answers, hits, clients that left, and batches. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin } from '../support/admin.ts'
import { chat } from '../support/chat.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const WAIT = { timeout: 20_000, interval: 100 }
const PRICE = { prompt: 2, cached_prompt: 1, completion: 10 }

interface Row {
  readonly kind: string
  readonly requests: number
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly cost_microdollars: number
  readonly saved_microdollars: { readonly hits: number; readonly coalescing: number; readonly prefix: number }
}

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    engine: { interTokenLatencyMs: 10 },
    config: (urls) =>
      aMeshConfig(urls, { pools: aMeshConfig(urls).pools.map((pool) => ({ ...pool, price: PRICE })) }),
  })
})
afterAll(() => mesh.stop())

function ask(path: string, tenant: keyof typeof KEYS): Promise<Response> {
  return mesh.fetch('FRA', path, { headers: { authorization: `Bearer ${KEYS[tenant]}` } })
}

async function rowsOf(tenant: keyof typeof KEYS): Promise<Record<string, Row>> {
  const { data } = (await (await ask('/v1/usage?group_by=kind', tenant)).json()) as { data: readonly Row[] }
  return Object.fromEntries(data.map((row) => [row.kind, row]))
}

test('an answer, its hit and its cancellation are each charged and saved by their rule', async () => {
  const shared = { temperature: 0, max_tokens: 8, ignore_eos: true }
  const made = await (await chat(mesh, 'FRA', 'Tell me.', { body: shared })).json()
  const { usage } = made as { usage: { prompt_tokens: number; completion_tokens: number } }
  const cost = usage.prompt_tokens * PRICE.prompt + usage.completion_tokens * PRICE.completion
  const hit = await chat(mesh, 'FRA', 'Tell me.', { body: shared })
  expect(hit.headers.get('x-mesh-cache')).toBe('hit')
  await hit.text()

  const leaving = new AbortController()
  const body = { temperature: 1, max_tokens: 400, ignore_eos: true, stream: true }
  const left = await chat(mesh, 'FRA', 'And more.', { body, signal: leaving.signal })
  await left.body?.getReader().read()
  leaving.abort()

  await expect
    .poll(async () => Object.keys(await rowsOf('demo')).toSorted(), WAIT)
    .toEqual(['cancelled', 'completed', 'hit'])
  await expect.poll(async () => (await rowsOf('demo'))['completed']?.cost_microdollars, WAIT).toBe(cost)
  const rows = await rowsOf('demo')
  expect(rows['completed']).toMatchObject({ requests: 1, completion_tokens: 8 })
  expect(rows['hit']).toMatchObject({ requests: 1, cost_microdollars: 0, saved_microdollars: { hits: cost } })
  expect(rows['cancelled']?.requests).toBe(1)
  expect(rows['cancelled']?.completion_tokens).toBeGreaterThan(0)
  expect(rows['cancelled']?.completion_tokens).toBeLessThan(400)
})

test('a key sees what it has used and nothing of others; the operator sees all, also as a table', async () => {
  const body = { temperature: 1, max_tokens: 3, ignore_eos: true }
  await (await chat(mesh, 'FRA', 'Hello.', { tenant: 'eu-bank', body })).text()
  await expect.poll(async () => (await rowsOf('eu-bank'))['completed']?.requests, WAIT).toBe(1)
  expect(Object.keys(await rowsOf('eu-bank'))).toEqual(['completed'])
  const table = await admin(mesh, 'FRA', '/tenants/eu-bank/usage?group_by=key,model,kind&format=csv')
  expect(table.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  const [, line] = (await table.text()).split('\r\n')
  expect(line).toMatch(/^story,k1,completed,1,\d+,\d+,3,0\.\d{6},/)
})

test.each([
  ['/v1/usage?from=yesterday', 400, 'invalid_parameter'],
  ['/v1/usage?to=2026-02-30', 400, 'invalid_parameter'],
  ['/v1/usage?group_by=colour', 400, 'invalid_parameter'],
])('%s is %d %s', async (path, status, code) => {
  const response = await ask(path, 'demo')
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error: { code } })
})

test('nobody without a key, or with another tenant’s, sees usage', async () => {
  expect((await mesh.fetch('FRA', '/v1/usage')).status).toBe(401)
  expect((await admin(mesh, 'FRA', '/tenants/demo/usage', { token: KEYS.demo })).status).toBe(401)
  expect((await admin(mesh, 'FRA', '/tenants/nobody/usage')).status).toBe(404)
})
