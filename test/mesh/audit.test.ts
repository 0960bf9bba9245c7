/** Every request of an audited tenant is in its log, whatever became of it; nothing of what it said is, and nothing is elsewhere. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admin } from '../support/admin.ts'
import { auditPage, entriesOf, existingLogs, logNames, storedInLog } from '../support/audit.ts'
import { chat } from '../support/chat.ts'
import { askForVectors } from '../support/embed.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const MARKER = 'zQxAUDITq7Zx'
const BANK = { tenant: 'eu-bank' } as const
const EU_CENTRAL = { pool: 'eu-central', region: 'eu-central', jurisdiction: 'eu' }

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA', 'IAD'],
    distances: false,
    // So that an answer is not over before its client has left.
    engine: { interTokenLatencyMs: 20 },
    config: (urls) =>
      aMeshConfig(urls, {
        tenants: [
          {
            id: 'demo',
            floor: { anywhere: true },
            audit: 'batched',
            keys: [{ id: 'k1', sha256: sha256(KEYS.demo) }],
          },
          {
            id: 'eu-bank',
            floor: { jurisdictions: ['eu'] },
            data_classes: ['health'],
            keys: [{ id: 'k1', sha256: sha256(KEYS['eu-bank']) }],
          },
        ],
        rules: [{ id: 'bank-at-home', match: { tenants: ['eu-bank'] }, only: { jurisdictions: ['eu'] } }],
      }),
  })
})
afterAll(async () => mesh.stop())

async function asked(content: string, body: object = {}, headers: Record<string, string> = {}) {
  const response = await chat(mesh, 'FRA', `${MARKER} ${content}`, {
    ...BANK,
    body: { max_tokens: 3, ...body },
    headers,
  })
  await response.text()
  return response
}

describe('there is one entry for', () => {
  test('an answer made for its reader alone, with all that was decided', async () => {
    const response = await asked('alone', { stream: true }, { 'x-mesh-data-class': 'health' })
    expect(response.status).toBe(200)
    const [entry] = await entriesOf(mesh, response)
    expect(entry).toMatchObject({
      event: 'request',
      decision: 'allowed',
      status: 200,
      surface: 'chat',
      key: 'k1',
      model: 'story',
      colo: 'FRA',
      edge_region: 'eu-central',
      data_class: 'health',
      rules: ['bank-at-home'],
      restricted: true,
      home: { region: 'eu-central', jurisdiction: 'eu' },
      allowed_pools: ['eu-central'],
      allowed_count: 1,
      pools: [EU_CENTRAL],
      cache: 'bypass',
      outcome: 'completed',
      config: response.headers.get('x-mesh-config'),
    })
  })

  test('an answer that is shared, and one that is replayed', async () => {
    const first = await asked('shared', { temperature: 0 })
    const second = await asked('shared', { temperature: 0 })
    expect(second.headers.get('x-mesh-cache')).toBe('hit')
    expect((await entriesOf(mesh, first))[0]).toMatchObject({ cache: 'miss', pools: [EU_CENTRAL] })
    expect((await entriesOf(mesh, second))[0]).toMatchObject({ cache: 'hit', pools: [EU_CENTRAL] })
  })

  test('vectors', async () => {
    const response = await askForVectors(mesh, 'FRA', [MARKER, 'two'], BANK)
    await response.text()
    expect(response.status).toBe(200)
    const [entry] = await entriesOf(mesh, response)
    expect(entry).toMatchObject({ surface: 'embeddings', decision: 'allowed', pools: [EU_CENTRAL] })
  })

  test('an answer that is read again', async () => {
    const first = await asked('again', { temperature: 0, stream: true }, { 'x-mesh-resumable': 'true' })
    const again = await mesh.fetch('FRA', `/v1/generations/${first.headers.get('x-mesh-run')}`, {
      headers: { authorization: `Bearer ${KEYS['eu-bank']}` },
    })
    await again.text()
    expect(again.status).toBe(200)
    const [entry] = await entriesOf(mesh, again)
    expect(entry).toMatchObject({ cache: 'resumed', decision: 'allowed', pools: [EU_CENTRAL] })
    expect(entry).toMatchObject({ model: 'story', rules: ['bank-at-home'] })
  })

  test('a reading that is refused', async () => {
    const refused = await mesh.fetch('FRA', '/v1/generations/run_none', {
      headers: { authorization: `Bearer ${KEYS['eu-bank']}` },
    })
    expect(refused.status).toBe(404)
    expect((await entriesOf(mesh, refused))[0]).toMatchObject({ decision: 'refused', error: 'run_not_found' })
  })

  test('a request that the rules refuse, or that is none', async () => {
    const elsewhere = await asked('elsewhere', {}, { 'x-mesh-residency': 'us' })
    expect(elsewhere.status).toBe(403)
    const [entry] = await entriesOf(mesh, elsewhere)
    expect(entry).toMatchObject({ decision: 'refused', status: 403, error: 'residency_violation', pools: [] })
    const broken = await asked('broken', { temperature: MARKER })
    expect(broken.status).toBe(400)
    expect((await entriesOf(mesh, broken))[0]).toMatchObject({ decision: 'refused', status: 400 })
  })

  test('a client that leaves in the middle', async () => {
    const leave = new AbortController()
    const response = await chat(mesh, 'FRA', `${MARKER} leaving`, {
      ...BANK,
      body: { stream: true, max_tokens: 400 },
      signal: leave.signal,
    })
    await response.body?.getReader().read()
    leave.abort()
    const [entry] = await entriesOf(mesh, response)
    expect(entry).toMatchObject({ decision: 'allowed', outcome: 'client_cancelled', pools: [EU_CENTRAL] })
  })

  test('a tenant that may go anywhere and wants a log', async () => {
    const response = await chat(mesh, 'IAD', `${MARKER} anywhere`, { body: { max_tokens: 2 } })
    await response.text()
    const [entry] = await entriesOf(mesh, response, { tenant: 'demo' })
    expect(entry).toMatchObject({ decision: 'allowed', restricted: false, allowed_count: 3 })
    expect(entry).toMatchObject({ colo: 'IAD', rules: [] })
  })

  test('a request whose pools are all down', async () => {
    mesh.engines['eu-central']?.setFaults({ status: 500 })
    const response = await asked('down')
    mesh.engines['eu-central']?.clearFaults()
    expect(response.status).toBe(503)
    const [entry] = await entriesOf(mesh, response)
    expect(entry).toMatchObject({ decision: 'refused', status: 503, error: 'no_eligible_pool', pools: [] })
    expect(entry).toMatchObject({ allowed_pools: ['eu-central'] })
  })
})

test('a request with a wrong key is nobody’s', async () => {
  const response = await chat(mesh, 'FRA', MARKER, {
    ...BANK,
    headers: { authorization: 'Bearer sk-mesh-eu-bank-0123456789abcdefghijABCDEFGHIX' },
  })
  expect(response.status).toBe(401)
  // What comes after it is there before it is looked for.
  await entriesOf(mesh, await asked('after'))
  const id = response.headers.get('x-request-id') ?? ''
  expect((await auditPage(mesh, 'eu-bank', { request_id: id })).entries).toEqual([])
})

test('nothing that was said is in a log, and a bank’s logs are its home’s alone', async () => {
  const bank = (await logNames('eu-bank')).map((name) => `eu:${name}`)
  const anyone = await logNames('demo')
  const logs = await existingLogs(mesh, [...bank, ...anyone])
  expect(logs.some((name) => bank.includes(name))).toBe(true)
  expect(logs.some((name) => anyone.includes(name))).toBe(true)
  const stored: string[] = []
  for (const name of logs) stored.push(await storedInLog(mesh, name))
  const text = stored.join('\n')
  expect(text).toContain('"request_id"')
  for (const form of [MARKER, sha256(MARKER), KEYS['eu-bank'], sha256(KEYS['eu-bank']), '127.0.0.1']) {
    expect(text).not.toContain(form)
  }
})

describe('the log is asked', () => {
  test('page by page, each entry once, in the order of time', async () => {
    const whole = await auditPage(mesh, 'eu-bank', { limit: '1000' })
    expect(whole.next).toBeNull()
    const paged: unknown[] = []
    let after: string | null = ''
    while (after !== null) {
      const page = await auditPage(mesh, 'eu-bank', { limit: '2', ...(after === '' ? {} : { after }) })
      expect(page.entries.length).toBeLessThanOrEqual(2)
      paged.push(...page.entries)
      after = page.next
    }
    expect(paged).toEqual(whole.entries)
    const times = whole.entries.map(({ at }) => String(at))
    expect(times).toEqual(times.toSorted())
    expect(times.length).toBeGreaterThan(8)
  })

  test('by time: from one moment, up to another', async () => {
    const { entries } = await auditPage(mesh, 'eu-bank', { limit: '1000' })
    const from = String(entries[2]?.at)
    const to = String(entries.at(-1)?.at)
    const page = await auditPage(mesh, 'eu-bank', { from, to, limit: '1000' })
    expect(page.entries).toEqual(
      entries.filter(({ at }) => Date.parse(String(at)) >= Date.parse(from) && String(at) < to),
    )
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['from=yesterday', 'from'],
    ['after=1.2', 'after'],
    [`request_id=${'a'.repeat(65)}`, 'request_id'],
    ['who=me', null],
  ])('with %s, which is refused', async (query, param) => {
    const response = await admin(mesh, 'FRA', `/tenants/eu-bank/audit?${query}`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param } })
  })

  test('of a tenant that is not there, or without the token', async () => {
    expect((await admin(mesh, 'FRA', '/tenants/nobody/audit')).status).toBe(404)
    expect((await admin(mesh, 'FRA', '/tenants/eu-bank/audit', { token: 'no' })).status).toBe(401)
    expect((await admin(mesh, 'FRA', '/tenants/eu-bank/audit/export', { token: 'no' })).status).toBe(401)
  })
})
