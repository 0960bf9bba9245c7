/**
 * A deadline that passes in the middle of an answer, be it the client's or the mesh's, is told as what it is, and leaves
 * nothing in flight.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat } from '../support/chat.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from '../support/mesh.ts'

const ROWS = [
  ['private', 'stream', 1, true],
  ['private', 'JSON', 1, false],
  ['shared', 'stream', 0, true],
  ['shared', 'JSON', 0, false],
] as const

/** The first request of a mesh starts its isolates, which can take longer than what the tests allow. */
async function warmUp(mesh: TestMesh): Promise<void> {
  for (const temperature of [0, 1]) {
    await (await chat(mesh, 'FRA', 'Warm up', { body: { temperature, max_tokens: 1 } })).text()
  }
}

async function expectTimedOut(mesh: TestMesh, response: Response, stream: boolean): Promise<void> {
  const text = await response.text()
  expect(response.status).toBe(stream ? 200 : 504)
  expect(text).toContain('"code":"total_timeout"')
  if (stream) expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  const admin = await mesh.fetch('FRA', '/admin/v1/pools', {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  const { pools } = (await admin.json()) as { pools: { pending: number }[] }
  expect(pools.map(({ pending }) => pending)).toEqual([0, 0, 0])
}

describe('the client’s deadline', () => {
  let mesh: TestMesh
  beforeAll(async () => {
    mesh = await startMesh({ colos: ['FRA'], distances: false })
    await warmUp(mesh)
    for (const engine of Object.values(mesh.engines)) engine.setFaults({ stall_after_tokens: 3 })
  })
  afterAll(() => mesh.stop())

  test.each(ROWS)('on the %s path, as %s', async (path, form, temperature, stream) => {
    const response = await chat(mesh, 'FRA', `${path} ${form}`, {
      headers: { 'x-mesh-timeout-ms': '500' },
      body: { temperature, stream, max_tokens: 20 },
    })
    await expectTimedOut(mesh, response, stream)
  })
})

describe('the mesh’s own deadline, of an answer that never ends', () => {
  const TOTAL_MS = 1000
  let mesh: TestMesh
  beforeAll(async () => {
    mesh = await startMesh({
      colos: ['FRA'],
      distances: false,
      engine: { interTokenLatencyMs: 50 },
      config: (urls) =>
        aMeshConfig(urls, { limits: { first_token_ms: TOTAL_MS, idle_ms: TOTAL_MS, total_ms: TOTAL_MS } }),
    })
    await warmUp(mesh)
  })
  afterAll(() => mesh.stop())

  test.each(ROWS)('on the %s path, as %s', async (path, form, temperature, stream) => {
    const response = await chat(mesh, 'FRA', `${path} ${form}`, {
      body: { temperature, stream, max_tokens: 5000, min_tokens: 5000 },
    })
    await expectTimedOut(mesh, response, stream)
    const running = () => Object.values(mesh.engines).map((engine) => engine.stats().running)
    await expect.poll(running).toEqual([0, 0, 0])
  })
})
