/** A pool behind a binding is asked, probed and watched through it, and through nothing else. */
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { admin } from '../support/admin.ts'
import { chat, poolOf } from '../support/chat.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { seenAtDoor } from '../support/private-network.ts'

const WAIT = { timeout: 15_000, interval: 100 }
const POOL_KEY = 'key-of-the-pool-on-premises'
/** Leads to nothing: connections to it are refused. */
const CLOSED = 'http://127.0.0.1:1'

let mesh: TestMesh
let foreign: Server
let foreignConnections = 0
let unique = 0

beforeAll(async () => {
  foreign = createServer((socket) => {
    foreignConnections += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve))
  mesh = await startMesh({
    colos: ['FRA', 'IAD'],
    distances: false,
    poolSecrets: { POOL_ONPREM: POOL_KEY },
    network: (urls) => ({
      ONPREM: urls['eu-central'] ?? '',
      NETWORK: urls['ap-southeast'] ?? '',
      CUT_OFF: CLOSED,
    }),
    config: configOf,
  })
})
afterEach(() => {
  for (const engine of Object.values(mesh.engines)) engine.setFaults({})
})
afterAll(async () => {
  await mesh.stop()
  foreign.close()
})

/** What each model is served by says what a test is about. */
function configOf(urls: Readonly<Record<string, string>>) {
  const pool = (id: string, region: string, models: readonly string[], way: object) => ({
    id,
    region,
    dialect: 'vllm',
    models: models.map((model) => ({ model, served: 'story-8b' })),
    ...way,
  })
  const own = { binding: 'ONPREM', auth: 'secret:POOL_ONPREM', sovereign: true }
  const models = ['story', 'private', 'network', 'cut-off']
  return aMeshConfig(urls, {
    pools: [
      pool('onprem', 'eu-central', ['story', 'private'], own),
      pool('network', 'eu-central', ['network'], { binding: 'NETWORK', url: 'http://10.20.30.40:8000/a/v1' }),
      pool('cut-off', 'eu-central', ['cut-off'], { binding: 'CUT_OFF' }),
      pool('us-east', 'us-east', ['story', 'cut-off'], { url: `${urls['us-east']}/v1` }),
    ],
    models: models.map((id) => ({ id, context_length: 32_768 })),
    routing: { log_share: 0, retry_share: 1 },
  })
}

function ask(model: string, body: Readonly<Record<string, unknown>> = {}, colo = 'FRA'): Promise<Response> {
  unique += 1
  return chat(mesh, colo, `A question of its own ${unique}`, { body: { model, max_tokens: 24, ...body } })
}

interface Chunk {
  readonly choices: readonly { readonly delta?: { readonly content?: string } }[]
  readonly error?: { readonly code: string }
}

function chunksOf(text: string): Chunk[] {
  const data = text.split('\n\n').filter((event) => event.startsWith('data: {'))
  return data.map((event) => JSON.parse(event.slice('data: '.length)) as Chunk)
}

test.each([
  ['made here', { temperature: 1 }],
  ['made by a log', { temperature: 0 }],
])('a stream that is %s comes through the binding, token by token', async (_name, body) => {
  const response = await ask('private', { ...body, stream: true })
  const text = await response.text()
  expect(response.status, text).toBe(200)
  expect(response.headers.get('x-mesh-pool')).toBe('onprem')
  expect(
    chunksOf(text).filter(({ choices }) => choices[0]?.delta?.content !== undefined).length,
  ).toBeGreaterThan(5)
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
})

test('what comes to the door is the request the mesh made: no address of its own, the pool’s key, nothing of the client', async () => {
  const before = (await seenAtDoor(mesh, 'ONPREM')).length
  await chat(mesh, 'FRA', 'What do you see?', {
    body: { model: 'private', max_tokens: 2 },
    headers: { 'x-secret-of-the-client': 'marker', cookie: 'marker', 'x-mesh-affinity': 'marker' },
  }).then((response) => response.text())
  const posts = (await seenAtDoor(mesh, 'ONPREM')).slice(before).filter(({ method }) => method === 'POST')
  expect(posts.map(({ url }) => url)).toEqual(['https://onprem.pool/v1/chat/completions'])
  expect(posts[0]?.headers['authorization']).toBe(`Bearer ${POOL_KEY}`)
  expect(JSON.stringify(posts)).not.toContain('marker')
})

test('where a network leads to many, the URL says to which, private and unencrypted as it may be there', async () => {
  await (await ask('network')).text()
  const [seen] = (await seenAtDoor(mesh, 'NETWORK')).filter(({ method }) => method === 'POST')
  expect(seen?.url).toBe('http://10.20.30.40:8000/a/v1/chat/completions')
  expect(seen?.headers['authorization']).toBeUndefined()
})

test('a pool behind a binding that dies in mid-answer is followed by a public one, and the other way round', async () => {
  const followed = async (dying: string, of: string): Promise<string | undefined> => {
    mesh.engines[dying]?.setFaults({ die_after_tokens: 8 })
    const response = await ask('story', { stream: true, temperature: 0 })
    const text = await response.text()
    mesh.engines[dying]?.setFaults({})
    expect(
      chunksOf(text).some(({ error }) => error !== undefined),
      text,
    ).toBe(false)
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    const run = await mesh.fetch('FRA', `/v1/generations/${response.headers.get('x-mesh-run')}`, {
      headers: { authorization: `Bearer ${KEYS.demo}`, accept: 'application/json' },
    })
    const { mesh: facts } = (await run.json()) as { mesh: { pools: readonly string[] } }
    return facts.pools[0] === of ? facts.pools.join(' then ') : undefined
  }
  const ways = [
    ['eu-central', 'onprem', 'onprem then us-east'],
    ['us-east', 'us-east', 'us-east then onprem'],
  ] as const
  // Which of the two is asked first is left to chance.
  for (const [dying, of, expected] of ways) await expect.poll(() => followed(dying, of), WAIT).toBe(expected)
})

test('a door that does not open is a pool that cannot be reached: the next one answers, or a plain refusal', async () => {
  expect(await poolOf(ask('cut-off'))).toBe('us-east')
  mesh.engines['us-east']?.setFaults({ status: 503 })
  const refused = await ask('cut-off')
  const text = await refused.text()
  expect(refused.status).toBe(503)
  expect(JSON.parse(text)).toMatchObject({ error: { code: 'no_eligible_pool' } })
  expect(text).not.toMatch(/CUT_OFF|cut-off|\.pool|127\.0\.0\.1/)
})

test('a redirect is not followed, neither out of the private network nor back into it', async () => {
  const { port } = foreign.address() as AddressInfo
  for (const to of [`http://127.0.0.1:${port}/v1/chat/completions`, 'https://onprem.pool/v1/elsewhere']) {
    mesh.engines['eu-central']?.setFaults({ redirect_to: to })
    const response = await ask('private')
    expect(response.status, await response.text()).toBe(503)
    mesh.engines['eu-central']?.setFaults({})
  }
  expect(foreignConnections).toBe(0)
  expect((await seenAtDoor(mesh, 'ONPREM')).filter(({ url }) => url.endsWith('/elsewhere'))).toEqual([])
})

test('its load is read through the binding', async () => {
  await expect
    .poll(async () => {
      await (await ask('story')).text()
      const { pools } = (await (await admin(mesh, 'FRA', '/pools')).json()) as {
        pools: readonly { id: string; region: { load: { running?: number } | null } | null }[]
      }
      return pools.find(({ id }) => id === 'onprem')?.region?.load
    }, WAIT)
    .toMatchObject({ running: expect.any(Number) })
  const gets = (await seenAtDoor(mesh, 'ONPREM')).filter(({ method }) => method === 'GET')
  expect(new Set(gets.map(({ url }) => new URL(url).host))).toEqual(new Set(['onprem.pool']))
  expect(gets.map(({ url }) => new URL(url).pathname)).toContain('/metrics')
  expect(gets[0]?.headers['authorization']).toBe(`Bearer ${POOL_KEY}`)
})

test('whether it is there is asked through the binding, when nobody has used it for a while', async () => {
  await expect
    .poll(async () => {
      await (await ask('story', {}, 'IAD')).text()
      const gets = (await seenAtDoor(mesh, 'CUT_OFF')).filter(({ method }) => method === 'GET')
      return gets.map(({ url }) => url)
    }, WAIT)
    .toContain('https://cut-off.pool/health')
})
