/** Reading an audit log where something is missing: a key to sign with, or a place for the log. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import type { Environment } from '../../workers/environment.ts'
import { startMesh } from '../../workers/mesh.ts'
import { productionRuntime } from '../../workers/runtime.ts'
import { createWorker } from '../../workers/worker.ts'

const ADMIN = { authorization: 'Bearer test-admin-token-0123456789abcdef' }

async function get(path: string, changes: Partial<Environment> = {}): Promise<Response> {
  const { MESH_RECEIPT_KEY: key, ...rest } = env
  const own: Environment = { ...rest, ...(key === undefined ? {} : { MESH_RECEIPT_KEY: key }), ...changes }
  const worker = createWorker(startMesh(own, ''), productionRuntime)
  const request = new Request(`https://mesh.example/admin/v1/tenants/${path}`, { headers: ADMIN })
  // The platform's type has a `cf`, which no request here needs.
  const incoming = request as Request<unknown, IncomingRequestCfProperties>
  const response = await worker.fetch?.(incoming, own, createExecutionContext())
  if (response === undefined) throw new Error('the Worker answers nothing')
  return response
}

test('a log that nobody has written to is empty, and signed as that', async () => {
  const page = await get('eu-bank/audit')
  expect(await page.json()).toEqual({ tenant: 'eu-bank', entries: [], next: null })
  const whole = await get('eu-bank/audit/export')
  expect(whole.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
  expect(await whole.text()).toMatch(/^\{"heads":"[\w-]+\.[\w-]+\.[\w-]+"\}\n$/)
})

test('without a key nothing is exported, and the log can be read all the same', async () => {
  const without = { MESH_RECEIPT_KEY: '' }
  const refused = await get('eu-bank/audit/export', without)
  expect(refused.status).toBe(503)
  expect(refused.headers.get('x-should-retry')).toBe('false')
  expect(await refused.json()).toMatchObject({ error: { code: 'signing_not_available' } })
  expect((await get('eu-bank/audit', without)).status).toBe(200)
})

test('a tenant that no place here may keep a log of has none', async () => {
  const elsewhere = { MESH_MODE: 'single:us', MESH_NODE_PLACE: '{"colo":"IAD"}' }
  const refused = await get('eu-bank/audit', elsewhere)
  expect(refused.status).toBe(403)
  expect(await refused.json()).toMatchObject({ error: { code: 'storage_not_available' } })
})
