/** A purge holds before its call returns: nothing that was cached before is served after it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askFor, type Answer } from '../support/answer.ts'
import { KEYS } from '../support/mesh-config.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from '../support/mesh.ts'
import { postHead, sendRaw } from '../support/raw-request.ts'

const SHARED = { temperature: 0, max_tokens: 3 }
const COLOS = ['FRA', 'AMS', 'IAD'] as const

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({ colos: COLOS, distances: false })
})
afterAll(() => mesh.stop())

function ask(prompt: string, colo: string, tenant: keyof typeof KEYS = 'demo'): Promise<Answer> {
  return askFor(mesh, colo, prompt, { tenant, body: SHARED })
}

function purge(tenant: string, colo = 'FRA', token = ADMIN_TOKEN): Promise<Response> {
  return mesh.fetch(colo, `/admin/v1/tenants/${tenant}/purge`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
}

async function prime(prompts: readonly string[], colo: string): Promise<void> {
  for (const prompt of prompts) await ask(prompt, colo)
  for (const prompt of prompts) expect((await ask(prompt, colo)).word).toBe('hit')
}

test('hammered all the while, in every data centre, nothing old is served once the call has returned', async () => {
  const prompts = Array.from({ length: 12 }, (_, index) => `Old question ${index}`)
  for (const colo of ['FRA', 'IAD']) await prime(prompts, colo)
  await ask('A question of the bank', 'FRA', 'eu-bank')

  let isOver = false
  const during = new Map<string | null, number>()
  const hammer = async (colo: string): Promise<void> => {
    // Its own question: what it makes anew must not be what is looked for afterwards.
    while (!isOver) {
      const { word } = await ask('Hammered question', colo)
      during.set(word, (during.get(word) ?? 0) + 1)
    }
  }
  const hammers = COLOS.map(hammer)
  const response = await purge('demo')
  expect(response.status).toBe(200)
  const after = await Promise.all(
    ['FRA', 'IAD'].flatMap((colo) => prompts.map((prompt) => ask(prompt, colo))),
  )
  isOver = true
  await Promise.all(hammers)
  expect(new Set(after.map(({ word }) => word))).toEqual(new Set(['miss']))
  // It was served without a break meanwhile, and from the cache.
  expect(during.get('hit')).toBeGreaterThan(10)
  for (const word of during.keys()) expect(['hit', 'miss', 'coalesced']).toContain(word)
  // What is made after it is kept again, and another tenant has kept what it had.
  expect((await ask(prompts[0] ?? '', 'AMS')).word).toBe('hit')
  expect((await ask('A question of the bank', 'FRA', 'eu-bank')).word).toBe('hit')
})

test('a request that came before it and ends its body after it gets nothing old', async () => {
  const prompt = 'A question that takes its time'
  await prime([prompt], 'FRA')
  const json = JSON.stringify({ model: 'story', messages: [{ role: 'user', content: prompt }], ...SHARED })
  const head = postHead('/v1/chat/completions', [
    `authorization: Bearer ${KEYS.demo}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(json)}`,
  ])
  const slow = sendRaw(mesh.url('FRA'), head + json.slice(0, 10))
  // Two at once are both done, and each raises the epoch.
  const purges = await Promise.all([purge('demo', 'FRA'), purge('demo', 'IAD')])
  const epochs = await Promise.all(purges.map(async (answer) => (await answer.json()) as { epoch: number }))
  expect(new Set(epochs.map(({ epoch }) => epoch)).size).toBe(2)
  slow.socket.write(json.slice(10))
  const answer = await slow.answer
  expect([answer?.status, answer?.headers.get('x-mesh-cache')]).toEqual([200, 'miss'])
})

test.each([
  ['without the token', 'demo', 'x', 401],
  ['with an API key', 'demo', KEYS.demo, 401],
  ['of a tenant that does not exist', 'nobody', ADMIN_TOKEN, 404],
])('a purge %s is refused', async (_name, tenant, token, status) => {
  const response = await purge(tenant, 'FRA', token)
  expect(response.status).toBe(status)
  await response.text()
})
