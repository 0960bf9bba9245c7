/** What becomes of a batch when its keeper is damaged, slow or gone, and of what was kept when it is purged. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embed, embeddedByPools, untilKept, type EmbedOptions } from '../support/embed.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from '../support/mesh.ts'
import { inLogShards, SHARDS_PER_HOME } from '../support/objects.ts'

const BANK: EmbedOptions = { tenant: 'eu-bank' }
const ONLY = { 'x-mesh-cache': 'only' }
const WAIT = { timeout: 10_000 }

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    distances: false,
    // So that a factor has something to multiply.
    engine: { prefillOverheadMs: 4 },
    config: (urls) =>
      aMeshConfig(urls, { log: { shards_per_home: SHARDS_PER_HOME, open_within_ms: 10_000 } }),
  })
})
afterAll(() => mesh.stop())

function fresh(count: number): string[] {
  unique += 1
  return Array.from({ length: count }, (_, index) => `Text ${index} of group ${unique}.`)
}

describe('a shard', () => {
  test('that holds something else costs a making, is counted, and is mended by it', async () => {
    const texts = fresh(4)
    await embed(mesh, 'FRA', texts, BANK)
    await untilKept(mesh, 'FRA', texts, BANK)
    const damaged = `UPDATE embedding SET sealed = CAST(substr(sealed, 1, 20) || x'00' || substr(sealed, 22) AS BLOB)`
    await inLogShards(mesh, damaged)
    const seen = mesh.logs.length
    expect(await embed(mesh, 'FRA', texts, BANK)).toMatchObject({ status: 200, word: 'miss' })
    const counted = () => mesh.logs.slice(seen).filter((line) => line.includes('"what":"unreadable"'))
    await expect.poll(() => counted().length, WAIT).toBe(1)
    expect(JSON.parse(counted()[0] ?? '')).toMatchObject({ event: 'storage_error', object: 'embedding' })
    await untilKept(mesh, 'FRA', texts, BANK)
  })

  test('that cannot read costs a making, one that cannot write nothing but a line', async () => {
    const texts = fresh(4)
    await embed(mesh, 'FRA', texts, BANK)
    await untilKept(mesh, 'FRA', texts, BANK)
    await inLogShards(mesh, 'ALTER TABLE embedding RENAME TO elsewhere')
    const seen = mesh.logs.length
    expect(await embed(mesh, 'FRA', texts, BANK)).toMatchObject({ status: 200, word: 'miss', known: '0/4' })
    await expect
      .poll(() => mesh.logs.slice(seen).filter((line) => line.includes('"what":"unwritable"')).length, WAIT)
      .toBe(1)
    await inLogShards(mesh, 'ALTER TABLE elsewhere RENAME TO embedding')
    expect((await embed(mesh, 'FRA', texts, BANK)).word).toBe('hit')
  })
})

describe('a purge', () => {
  const purge = (tenant: string) =>
    mesh.fetch('FRA', `/admin/v1/tenants/${tenant}/purge`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    })

  test('holds when its call returns: in shards, in KV and in every region', async () => {
    const texts = fresh(3)
    const ofBank = fresh(3)
    await embed(mesh, 'FRA', texts)
    await untilKept(mesh, 'FRA', texts)
    await embed(mesh, 'FRA', texts)
    await untilKept(mesh, 'SIN', texts)
    await embed(mesh, 'FRA', ofBank, BANK)
    await untilKept(mesh, 'FRA', ofBank, BANK)
    expect((await purge('demo')).status).toBe(200)
    for (const colo of ['FRA', 'SIN', 'IAD']) {
      expect((await embed(mesh, colo, texts, { headers: ONLY })).word).toBe('not_cached')
    }
    expect((await embed(mesh, 'FRA', ofBank, BANK)).word).toBe('hit')
  })

  test('that returns while a pool makes the rest leaves nothing of what was known', async () => {
    const [known = '', unknown = ''] = fresh(2)
    await embed(mesh, 'FRA', known)
    await untilKept(mesh, 'FRA', known)
    for (const engine of Object.values(mesh.engines)) engine.setFaults({ slow_factor: 2000 })
    const before = embeddedByPools(mesh)
    let isPurged = false
    const asked = embed(mesh, 'FRA', [known, unknown]).then((answer) => ({ ...answer, isPurged }))
    await expect.poll(() => embeddedByPools(mesh), WAIT).toBe(before + 1)
    await purge('demo')
    isPurged = true
    for (const engine of Object.values(mesh.engines)) engine.clearFaults()
    expect(await asked).toMatchObject({ isPurged: true, status: 200, word: 'miss', known: '0/2' })
    expect(embeddedByPools(mesh)).toBe(before + 3)
  }, 60_000)
})

test('shards that are too far to answer in time are done without', async () => {
  const far = await startMesh({
    colos: ['FRA', 'SIN'],
    distances: false,
    // An object in Frankfurt is some 150 ms from Singapore and back.
    delays: JSON.stringify({ objects: true, commitMs: 0, kvColdMs: 0, kvStaleMs: 0 }),
    config: (urls) => aMeshConfig(urls, { log: { open_within_ms: 50 } }),
  })
  try {
    const texts = fresh(3)
    await embed(far, 'FRA', texts, BANK)
    await untilKept(far, 'FRA', texts, BANK)
    const answer = await embed(far, 'SIN', texts, BANK)
    expect(answer).toMatchObject({ status: 200, word: 'miss', known: '0/3' })
    // What it made is kept there all the same: writing has time.
    const others = fresh(3)
    await embed(far, 'SIN', others, BANK)
    await untilKept(far, 'FRA', others, BANK)
  } finally {
    await far.stop()
  }
})
