/** Keys are made, replaced and revoked while the mesh runs, in every data centre; a revocation holds when its call returns. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KEYS } from '../support/mesh-config.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from '../support/mesh.ts'
import { restartObjects } from '../support/restart.ts'
import { codeOf } from '../support/resuming.ts'

const COLOS = ['FRA', 'IAD', 'SIN'] as const

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({ colos: COLOS, distances: false })
})
afterAll(() => mesh.stop())

function admin(method: string, path: string, body?: unknown): Promise<Response> {
  return mesh.fetch('FRA', `/admin/v1/tenants/${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

async function make(id: string, more: object = {}, tenant = 'demo'): Promise<string> {
  const response = await admin('POST', `${tenant}/keys`, { id, ...more })
  expect(response.status).toBe(201)
  return ((await response.json()) as { key: string }).key
}

async function statusWith(key: string, colo = 'FRA', headers: Record<string, string> = {}): Promise<number> {
  const response = await mesh.fetch(colo, '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'story', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 2 }),
  })
  await response.text()
  return response.status
}

async function statesOf(tenant: string): Promise<Record<string, string>> {
  const listed = (await (await admin('GET', `${tenant}/keys`)).json()) as {
    keys: { id: string; state: string }[]
  }
  return Object.fromEntries(listed.keys.map(({ id, state }) => [id, state]))
}

describe('a key that was made', () => {
  test('is good in every data centre as soon as leases are renewed, and is shown once', async () => {
    const key = await make('app')
    expect(key).toMatch(/^sk-mesh-demo-[0-9a-f]{40}$/)
    for (const colo of COLOS) {
      await expect.poll(() => statusWith(key, colo), { timeout: 12_000 }).toBe(200)
    }
    const listed = await (await admin('GET', 'demo/keys')).text()
    expect(listed).toContain('"app"')
    expect(listed).not.toContain(key.slice(-40))
    expect(mesh.logs.join('\n')).not.toContain(key.slice(-40))
    expect(mesh.logs.some((line) => line.includes('"event":"admin"') && line.includes('"key_created"'))).toBe(
      true,
    )
  })

  test('is kept when its ledger restarts', async () => {
    const key = await make('kept')
    await restartObjects(mesh)
    await expect.poll(() => statusWith(key), { timeout: 12_000 }).toBe(200)
  })

  test('may use the models it is for, and no other', async () => {
    const refused = await admin('POST', 'demo/keys', { id: 'nothing', models: ['unknown'] })
    expect(await codeOf(refused)).toEqual([400, 'invalid_parameter'])
    const none = await make('no-models', { models: [] })
    await expect.poll(() => statusWith(none), { timeout: 12_000 }).toBe(404)
  })

  test('is another tenant’s to nobody', async () => {
    const key = await make('bank-app', {}, 'eu-bank')
    await expect.poll(() => statusWith(key), { timeout: 12_000 }).toBe(200)
    expect(await statesOf('demo')).not.toHaveProperty('bank-app')
    expect(await statusWith(key.replace('eu-bank', 'demo'))).toBe(401)
  })
})

describe('when the call has returned', () => {
  test('a revoked key is good nowhere; one of the config neither', async () => {
    const key = await make('short-lived')
    for (const colo of COLOS) await expect.poll(() => statusWith(key, colo), { timeout: 12_000 }).toBe(200)
    expect((await admin('DELETE', 'demo/keys/short-lived')).status).toBe(204)
    for (const colo of COLOS) expect([colo, await statusWith(key, colo)]).toEqual([colo, 401])

    for (const colo of COLOS) expect(await statusWith(KEYS['eu-bank'], colo)).toBe(200)
    expect((await admin('DELETE', 'eu-bank/keys/k1')).status).toBe(204)
    for (const colo of COLOS) expect([colo, await statusWith(KEYS['eu-bank'], colo)]).toEqual([colo, 401])
    expect(await statesOf('eu-bank')).toMatchObject({ k1: 'revoked' })
    // Taking it back again is no mistake; giving its name to another is.
    expect((await admin('DELETE', 'demo/keys/short-lived')).status).toBe(204)
    expect(await codeOf(await admin('POST', 'demo/keys', { id: 'short-lived' }))).toEqual([409, 'key_exists'])
  })

  test('a key replaced without an overlap is good no more; with one, both are', async () => {
    const first = await make('rotating')
    await expect.poll(() => statusWith(first), { timeout: 12_000 }).toBe(200)
    const rotate = async (overlap: number): Promise<string> => {
      const response = await admin('POST', 'demo/keys/rotating/rotate', { overlap_seconds: overlap })
      expect(response.status).toBe(200)
      return ((await response.json()) as { key: string }).key
    }
    const second = await rotate(3600)
    await expect.poll(() => statusWith(second), { timeout: 12_000 }).toBe(200)
    expect(await statusWith(first)).toBe(200)
    const third = await rotate(0)
    expect([await statusWith(first), await statusWith(second), await statusWith(third)]).toEqual([
      401, 401, 200,
    ])
  })
})

describe('bad input', () => {
  test.each<[string, string, string, unknown, unknown[]]>([
    ['no id', 'POST', 'demo/keys', {}, [400, 'missing_parameter']],
    ['an id that is none', 'POST', 'demo/keys', { id: 'A b' }, [400, 'invalid_parameter']],
    [
      'a life of nothing',
      'POST',
      'demo/keys',
      { id: 'x', expires_in_seconds: 0 },
      [400, 'invalid_parameter'],
    ],
    ['a class of nobody', 'POST', 'demo/keys', { id: 'x', data_classes: ['q'] }, [400, 'invalid_parameter']],
    ['an unknown member', 'POST', 'demo/keys', { id: 'x', admin: true }, [400, 'unsupported_parameter']],
    ['no object', 'POST', 'demo/keys', [], [400, 'invalid_json']],
    ['a key of the config', 'POST', 'demo/keys/k1/rotate', {}, [409, 'key_in_config']],
    ['a key that is not there', 'POST', 'demo/keys/none/rotate', {}, [404, 'key_not_found']],
    ['a key that is not there, taken back', 'DELETE', 'demo/keys/none', undefined, [404, 'key_not_found']],
    ['a tenant that is not there', 'GET', 'nobody/keys', undefined, [404, 'not_found']],
  ])('%s', async (_name, method, path, body, expected) => {
    expect(await codeOf(await admin(method, path, body))).toEqual(expected)
  })

  test('who tries keys out is slowed down, and nobody who shares the address and has a key', async () => {
    const from = { 'cf-connecting-ip': '192.0.2.7' }
    expect(await statusWith(KEYS.demo, 'SIN', from)).toBe(200)
    const guess = (at: number) => statusWith(`sk-mesh-demo-${String(at).padStart(32, 'x')}`, 'SIN', from)
    const statuses: number[] = []
    for (let at = 0; at < 30; at += 1) statuses.push(await guess(at))
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401))
    expect(statuses.slice(20)).toEqual(Array.from({ length: 10 }, () => 429))
    expect(await statusWith(KEYS.demo, 'SIN', from)).toBe(200)
    expect(await statusWith(KEYS.demo, 'SIN', { 'cf-connecting-ip': '192.0.2.8' })).toBe(200)
  })
})
