/** The config in the store: putting, comparing and going back, and who is refused. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin } from '../support/admin.ts'
import { askPool } from '../support/ask-pools.ts'
import { startStoredMesh, type StoredMesh } from '../support/stored-config.ts'

let stored: StoredMesh

beforeAll(async () => {
  stored = await startStoredMesh({ colos: ['FRA', 'IAD'] })
})
afterAll(() => stored.mesh.stop())

function tenantsWith(floor: object) {
  const [demo, bank] = stored.deployed.tenants
  return { tenants: [demo, { ...bank, floor }] }
}

test('what was deployed is the first version, and every answer says which it was served under', async () => {
  const answer = await stored.mesh.fetch('IAD', '/v1/models', { headers: { authorization: 'Bearer x' } })
  const version = answer.headers.get('x-mesh-config')
  expect(version).toMatch(/^cfg_[0-9a-f]{12}$/)
  expect(await stored.current()).toBe(version)
  const history = await (await admin(stored.mesh, 'FRA', '/config/history')).json()
  expect(history).toMatchObject({
    drift: false,
    deployed: version,
    entries: [{ number: 1, version, act: 'seed', who: 'deploy' }],
  })
  await answer.text()
})

test('a floor that opens is refused until it is accepted, holds everywhere when the call returns, and goes back', async () => {
  const first = await stored.current()
  const wider = tenantsWith({ anywhere: true })
  const refused = await stored.put(wider, { accept_widening: false })
  expect([refused.status, refused.error?.code]).toEqual([409, 'widening_not_accepted'])
  expect(refused.diff?.widened).toContain('newly allowed: eu-bank → us-east, for story')
  expect(await stored.current()).toBe(first)

  const put = await stored.put(wider, { note: 'a trial' })
  expect(put).toMatchObject({ status: 200, changed: true, replaced: first })
  const us = { tenant: 'eu-bank', headers: { 'x-mesh-residency': 'us' } } as const
  for (const colo of ['FRA', 'IAD']) expect((await askPool(stored.mesh, colo, us)).pool).toBe('us-east')

  const back = await stored.send('POST', '/rollback', { version: first, expected: put.version })
  expect(back).toMatchObject({ status: 200, version: first, replaced: put.version })
  expect(back.diff?.narrowed).toContain('no longer allowed: eu-bank → us-east, for story')
  for (const colo of ['FRA', 'IAD']) {
    expect((await askPool(stored.mesh, colo, us)).pool).toMatch(/^status 403: .*residency_violation/)
  }
  const acts = stored.mesh.logs.map(
    (line) => JSON.parse(line) as { event: string; act?: string; to?: string },
  )
  expect(acts.filter(({ event }) => event === 'admin').map(({ act, to }) => [act, to])).toEqual([
    ['config_put', put.version],
    ['config_rollback', first],
  ])
})

test('of two who replace the same version one wins; what is there already is no change', async () => {
  const expected = await stored.current()
  const textWith = (max_messages: number): string =>
    JSON.stringify({ ...stored.deployed, limits: { ...stored.deployed.limits, max_messages } })
  const both = await Promise.all(
    [101, 102].map((count) =>
      stored.send('PUT', '', { config: textWith(count) }, { 'if-match': `"${expected}"` }),
    ),
  )
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
  const winner = both.findIndex(({ status }) => status === 200) === 0 ? 101 : 102
  expect(both.find(({ status }) => status === 409)?.error?.code).toBe('config_conflict')
  const again = await stored.send('PUT', '', { config: textWith(winner), expected })
  expect(again).toMatchObject({ status: 200, changed: false })
})

test('a config that cannot be, or leads elsewhere, is refused with lines', async () => {
  const broken = await stored.put({ pools: [] })
  expect([broken.status, broken.error?.code]).toEqual([422, 'invalid_config'])
  const [first, ...others] = stored.deployed.pools
  const elsewhere = await stored.put({
    pools: [{ ...first, url: 'https://elsewhere.example/v1' }, ...others],
  })
  expect(elsewhere.status).toBe(422)
  expect(elsewhere.mistakes).toEqual([
    'pools[0] ("eu-central"): its host is not among those that were deployed; deploy a mesh.toml that lists it in [[config.endpoints]] first',
  ])
  const secret = await stored.put({ pools: [{ ...first, auth: 'secret:POOL_US_EAST' }, ...others] })
  expect(secret.mistakes?.[0]).toContain('the secret "POOL_US_EAST" was not deployed for its host')
  const cases =
    '[[cases]]\nname = "the bank stays"\ntenant = "eu-bank"\nmodel = "story"\nexpect = { pools = ["us-east"] }'
  const failing = await stored.put({}, { cases })
  expect([failing.status, failing.error?.code]).toEqual([422, 'config_cases_failed'])
  expect(failing.mistakes?.[0]).toContain('the bank stays: pools: expected us-east, got eu-central')
})

test.each([
  ['without a version to replace', { config: 'x' }, 400, 'missing_parameter'],
  ['without a config', { expected: 'cfg_000000000000' }, 400, 'missing_parameter'],
  ['with a member that is not ours', { config: 'x', colour: 1 }, 400, 'unsupported_parameter'],
  ['with a note of many lines', { config: 'x', note: 'a\nb' }, 400, 'invalid_parameter'],
])('a body %s is refused', async (_name, body, status, code) => {
  const answer = await stored.send('PUT', '', body)
  expect([answer.status, answer.error?.code]).toEqual([status, code])
})

test('what would leave a tenant no pool for a model it has is refused until it is accepted', async () => {
  const [first, ...others] = stored.deployed.pools
  const models = [...stored.deployed.models, { id: 'other', context_length: 1000 }]
  const with2 = {
    ...first,
    models: [
      { model: 'story', served: 'story-8b' },
      { model: 'other', served: 'story-8b' },
    ],
  }
  expect((await stored.put({ models, pools: [with2, ...others] })).status).toBe(200)
  const [away, ...rest] = others
  const moved = { pools: [first, { ...away, models: with2.models }, ...rest], models }
  const refused = await stored.put(moved)
  expect([refused.status, refused.error?.code]).toEqual([409, 'orphans_not_accepted'])
  expect(refused.diff?.orphaned).toEqual(['eu-bank has no pool left for other'])
  expect((await stored.put(moved, { accept_orphans: true })).status).toBe(200)
})

test('versions can be read and compared; what is not there is 404', async () => {
  const version = await stored.current()
  const shown = (await (await admin(stored.mesh, 'FRA', `/config/versions/${version}`)).json()) as {
    config: string
  }
  expect(JSON.parse(shown.config)).toHaveProperty('tenants')
  const [first] = (
    (await (await admin(stored.mesh, 'FRA', '/config/history')).json()) as {
      entries: { version: string }[]
    }
  ).entries.slice(-1)
  const diff = await stored.send('POST', '/diff', { version, against: first?.version })
  expect(diff.diff?.changed).toContain('model other: new')
  const missing = await admin(stored.mesh, 'FRA', '/config/versions/cfg_000000000000')
  expect(missing.status).toBe(404)
  const back = await stored.send('POST', '/rollback', { version: 'cfg_000000000000', expected: version })
  expect(back.status).toBe(404)
})
