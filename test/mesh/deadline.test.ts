/** A client's deadline that passes in the middle of an answer is told as what it is, and leaves nothing in flight. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chat } from '../support/chat.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from '../support/mesh.ts'

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({ colos: ['FRA'], distances: false })
  for (const engine of Object.values(mesh.engines)) engine.setFaults({ stall_after_tokens: 3 })
})
afterAll(() => mesh.stop())

const ROWS = [
  ['private', 'stream', 1, true],
  ['private', 'JSON', 1, false],
  ['shared', 'stream', 0, true],
  ['shared', 'JSON', 0, false],
] as const

test.each(ROWS)('on the %s path, as %s', async (path, form, temperature, stream) => {
  const response = await chat(mesh, 'FRA', `${path} ${form}`, {
    headers: { 'x-mesh-timeout-ms': '500' },
    body: { temperature, stream, max_tokens: 20 },
  })
  const text = await response.text()
  expect(response.status).toBe(stream ? 200 : 504)
  expect(text).toContain('"code":"total_timeout"')
  if (stream) expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  const admin = await mesh.fetch('FRA', '/admin/v1/pools', {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  const { pools } = (await admin.json()) as { pools: { pending: number }[] }
  expect(pools.map(({ pending }) => pending)).toEqual([0, 0, 0])
})
