/** Headers and log lines say what became of an answer, not what was hoped. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chat } from '../support/chat.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const MAX_LOG_BYTES = 4096

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    config: (urls) => aMeshConfig(urls, { limits: { max_log_bytes: MAX_LOG_BYTES, idle_ms: 3000 } }),
  })
})
afterAll(() => mesh.stop())

async function statusOf(maxTokens: number): Promise<string | null> {
  const body = { temperature: 0, max_tokens: maxTokens, ignore_eos: true }
  const response = await chat(mesh, 'FRA', `Tell me ${maxTokens} words.`, { body })
  expect(response.status, await response.text()).toBe(200)
  return response.headers.get('cache-status')
}

test('an answer that is longer than a log may be is not said to be stored, and is not', async () => {
  expect(await statusOf(3)).toBe('warmpath; fwd=miss; stored')
  expect(await statusOf(3)).toMatch(/^warmpath; hit/)
  expect(await statusOf(300)).toBe('warmpath; fwd=miss')
  expect(await statusOf(300)).toBe('warmpath; fwd=miss')
})

test('a run that is asked for as JSON and turns out broken is recorded with the status it was answered with', async () => {
  mesh.engines['eu-central']?.setFaults({ stall_after_tokens: 5 })
  const begun = await chat(mesh, 'FRA', 'A tale that breaks off', {
    tenant: 'eu-bank',
    headers: { 'x-mesh-resumable': 'true' },
    body: { temperature: 1, max_tokens: 20, stream: true },
  })
  const asked = mesh.fetch('FRA', `/v1/generations/${begun.headers.get('x-mesh-run')}`, {
    headers: { authorization: `Bearer ${KEYS['eu-bank']}`, accept: 'application/json' },
  })
  await begun.text()
  const response = await asked
  const { error } = (await response.json()) as { error: { code: string } }
  mesh.engines['eu-central']?.setFaults({})
  expect(response.status).toBeGreaterThanOrEqual(500)
  const id = response.headers.get('x-request-id') ?? ''
  await expect
    .poll(() => mesh.logs.find((line) => line.includes(id)), { timeout: 5000 })
    .toMatch(new RegExp(`"status":${response.status},.*"error":"${error.code}"`))
})
