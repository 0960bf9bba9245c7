/** A client's cache headers take something away from what the config allows for its vectors, and never add to it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embed, embeddedByPools, requestsToPools, untilKept } from '../support/embed.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const WAIT = { timeout: 10_000 }
const NO_CACHE_KEY = 'sk-mesh-no-cache-0123456789abcdefghijABCDEFGHIJ'

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    config: (urls) =>
      aMeshConfig(urls, {
        tenants: [
          { id: 'demo', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(KEYS.demo) }] },
          {
            id: 'no-cache',
            floor: { anywhere: true },
            cache: { mode: 'off' },
            keys: [{ id: 'k1', sha256: sha256(NO_CACHE_KEY) }],
          },
        ],
      }),
  })
})
afterAll(() => mesh.stop())

/** Texts that no other test has asked for. */
function fresh(count: number): string[] {
  unique += 1
  return Array.from({ length: count }, (_, index) => `Text ${index} of group ${unique}, with some words.`)
}

describe('the cache headers', () => {
  test.each([
    ['x-mesh-cache', 'off', 'bypass', 'warmpath; fwd=bypass; detail=off'],
    ['cache-control', 'no-store', 'bypass', 'warmpath; fwd=bypass; detail=no_store'],
  ])('%s: %s neither reads nor keeps', async (header, value, word, status) => {
    const texts = fresh(2)
    const options = { headers: { [header]: value } }
    const first = await embed(mesh, 'FRA', texts, options)
    expect([first.word, first.headers.get('cache-status')]).toEqual([word, status])
    expect((await embed(mesh, 'FRA', texts)).known).toBe('0/2')
    await untilKept(mesh, 'FRA', texts)
    const before = embeddedByPools(mesh)
    expect((await embed(mesh, 'FRA', texts, options)).word).toBe(word)
    expect(embeddedByPools(mesh) - before).toBe(2)
  })

  test.each([
    ['x-mesh-cache', 'refresh'],
    ['cache-control', 'no-cache'],
  ])('%s: %s makes them anew and keeps those', async (header, value) => {
    const texts = fresh(2)
    await embed(mesh, 'FRA', texts)
    await untilKept(mesh, 'FRA', texts)
    const before = embeddedByPools(mesh)
    const anew = await embed(mesh, 'FRA', texts, { headers: { [header]: value } })
    expect(anew).toMatchObject({ word: 'refresh', known: '0/2' })
    expect(anew.headers.get('cache-status')).toBe('warmpath; fwd=request; detail="0/2"')
    expect((await embed(mesh, 'FRA', texts)).word).toBe('hit')
    expect(embeddedByPools(mesh) - before).toBe(2)
  })

  test('only: all of them are known, or none is answered and no pool is asked', async () => {
    const [a = '', b = ''] = fresh(2)
    const options = { headers: { 'x-mesh-cache': 'only' } }
    await embed(mesh, 'FRA', a)
    await untilKept(mesh, 'FRA', a)
    const before = requestsToPools(mesh)
    expect(await embed(mesh, 'FRA', [a, b], options)).toMatchObject({ status: 504, word: 'not_cached' })
    expect(await embed(mesh, 'FRA', [a], options)).toMatchObject({ status: 200, word: 'hit' })
    expect(requestsToPools(mesh)).toBe(before)
  })

  test('a client can take only what is newer, and have its own kept for a shorter time', async () => {
    const texts = fresh(1)
    const short = { headers: { 'x-mesh-cache-ttl': '2' } }
    await embed(mesh, 'FRA', texts, short)
    await untilKept(mesh, 'FRA', texts)
    const hit = await embed(mesh, 'FRA', texts)
    expect(hit.headers.get('cache-status')).toMatch(/^warmpath; hit; ttl=[01]; detail="1\/1"$/)
    expect(Number(hit.headers.get('age'))).toBeLessThanOrEqual(2)
    const only = { headers: { 'x-mesh-cache': 'only' } }
    await expect.poll(async () => (await embed(mesh, 'FRA', texts, only)).word, WAIT).toBe('not_cached')

    await embed(mesh, 'FRA', texts)
    await untilKept(mesh, 'FRA', texts)
    const newer = { headers: { 'cache-control': 'max-age=1', 'x-mesh-cache': 'only' } }
    await expect.poll(async () => (await embed(mesh, 'FRA', texts, newer)).word, WAIT).toBe('not_cached')
    expect((await embed(mesh, 'FRA', texts, only)).word).toBe('hit')
  })
})

test('a tenant whose config keeps nothing has everything made, and is told so', async () => {
  const texts = fresh(2)
  const options = { headers: { authorization: `Bearer ${NO_CACHE_KEY}` } }
  const before = embeddedByPools(mesh)
  for (let time = 0; time < 2; time += 1) {
    const answer = await embed(mesh, 'FRA', texts, options)
    expect(answer.headers.get('cache-status')).toBe('warmpath; fwd=bypass; detail=policy')
  }
  expect(embeddedByPools(mesh) - before).toBe(4)
  const only = { headers: { ...options.headers, 'x-mesh-cache': 'only' } }
  expect((await embed(mesh, 'FRA', texts, only)).word).toBe('not_cached')
})
