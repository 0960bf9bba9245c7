/** KV that fails, hangs, is slow or out of date costs a copy that would have been nearer, and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN_TOKEN } from '../support/mesh.ts'
import { kvNames } from '../support/objects.ts'
import { said, type OneEngineMesh } from '../support/one-engine.ts'
import { bringTo, startTiers } from '../support/tiers.ts'

const SHORT = { max_tokens: 8, ignore_eos: true }
const STREAM = { stream: true, stream_options: { include_usage: true } }
/** Far less than an edge waits for its log, or KV takes where it is slow. */
const SOON_MS = 5000
const WAIT = { timeout: 20_000, interval: 20 }

async function timed<T>(work: Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const startedAt = performance.now()
  return { value: await work, ms: performance.now() - startedAt }
}

describe.each(['fails', 'hangs'] as const)('KV that %s', (kv) => {
  let one: OneEngineMesh
  beforeAll(async () => {
    one = await startTiers({ kv })
  })
  afterAll(() => one.mesh.stop())

  test('neither delays nor fails a request', async () => {
    const prompt = one.fresh()
    const expected = said(await one.uninterrupted(prompt, SHORT))
    const before = one.made()
    const words: unknown[] = []
    for (const colo of ['FRA', 'AMS', 'FRA', 'AMS', 'IAD']) {
      const { value, ms } = await timed(one.ask(prompt, { ...SHORT, ...STREAM }, { colo }))
      words.push(value.word)
      expect(said(value)).toEqual(expected)
      expect(ms).toBeLessThan(SOON_MS)
    }
    expect(words).toEqual(['miss', 'hit', 'hit', 'hit', 'miss'])
    expect(one.since(before).tokens).toBe(16)
  })

  test('is told to the log if it says so', async () => {
    const prompt = one.fresh()
    for (const colo of ['FRA', 'FRA', 'AMS']) await one.ask(prompt, SHORT, { colo })
    const errors = (words: string) =>
      one.mesh.logs.filter((line) => line.includes('storage_error') && line.includes(words)).length > 0
    if (kv === 'fails') {
      await expect.poll(() => errors('"kv"'), WAIT).toBe(true)
      await expect.poll(() => errors('not_promoted'), WAIT).toBe(true)
    }
    for (const line of one.mesh.logs) expect(line).not.toContain('This part is broken')
  })
})

describe('KV that is slow', () => {
  let one: OneEngineMesh
  beforeAll(async () => {
    const delays = { objects: false, commitMs: 0, kvColdMs: 2 * SOON_MS, kvStaleMs: 0 }
    one = await startTiers({ delays: JSON.stringify(delays) })
  })
  afterAll(() => one.mesh.stop())

  test('is not waited for: a region that has none makes its own', async () => {
    const prompt = one.fresh()
    await bringTo('KV', one, prompt, SHORT)
    for (const word of ['miss', 'hit']) {
      const { value, ms } = await timed(one.ask(prompt, SHORT, { colo: 'SIN' }))
      expect(value.word).toBe(word)
      expect(ms).toBeLessThan(SOON_MS)
    }
  })
})

describe('KV that is out of date', () => {
  let one: OneEngineMesh
  beforeAll(async () => {
    const delays = { objects: false, commitMs: 0, kvColdMs: 10, kvStaleMs: 600_000 }
    one = await startTiers({ delays: JSON.stringify(delays) })
  })
  afterAll(() => one.mesh.stop())

  test('that does not know yet what there is costs an answer of the region’s own', async () => {
    const prompt = one.fresh()
    await one.ask(prompt, SHORT, { colo: 'SIN', cache: 'only' })
    await bringTo('KV', one, prompt, SHORT)
    expect((await one.ask(prompt, SHORT, { colo: 'SIN' })).word).toBe('miss')
    expect((await one.ask(prompt, SHORT, { colo: 'IAD' })).word).toBe('hit')
  })

  test('gives nothing that was purged', async () => {
    const prompt = one.fresh()
    await bringTo('KV', one, prompt, SHORT)
    expect((await one.ask(prompt, SHORT, { colo: 'SIN' })).word).toBe('hit')
    const names = await kvNames(one.mesh)
    const purge = await one.mesh.fetch('FRA', '/admin/v1/tenants/demo/purge', {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    })
    expect(purge.status).toBe(200)
    expect(await kvNames(one.mesh)).toEqual(names)
    for (const colo of ['SIN', 'FRA', 'IAD']) {
      expect([colo, (await one.ask(prompt, SHORT, { colo })).word]).toEqual([colo, 'miss'])
    }
  })
})

describe('no promotions', () => {
  let one: OneEngineMesh
  beforeAll(async () => {
    one = await startTiers({
      changes: { log: { open_within_ms: 10_000, shards_per_home: 16, promotions_per_hour: 0 } },
    })
  })
  afterAll(() => one.mesh.stop())

  test('leave KV empty, whatever is asked how often', async () => {
    const prompt = one.fresh()
    for (let round = 0; round < 3; round += 1) {
      for (const colo of ['FRA', 'AMS']) await one.ask(prompt, SHORT, { colo })
    }
    await one.ask(prompt, SHORT, { colo: 'FRA', cache: 'refresh' })
    expect((await one.ask(prompt, SHORT, { colo: 'SIN' })).word).toBe('miss')
    expect(await kvNames(one.mesh)).toEqual([])
  })
})
