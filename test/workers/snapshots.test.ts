/** The real Cache API, as the production runtime opens it: what one isolate leaves there, another finds. */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import type { RegionSnapshot } from '../../shared/pool/region-snapshot.ts'
import { startMesh } from '../../workers/mesh.ts'
import { productionRuntime } from '../../workers/runtime.ts'
import { createSnapshotCache } from '../../workers/stores/snapshot-cache.ts'

test('a snapshot is found under its host and region, and nowhere else', async () => {
  const mesh = startMesh(env, '')
  const mine = createSnapshotCache(mesh, productionRuntime)
  const others = createSnapshotCache(mesh, productionRuntime)
  const snapshot: RegionSnapshot = { region: 'us-east', atMs: Date.now(), pools: {}, tokenRatios: {} }
  const host = `${crypto.randomUUID()}.test`
  await mine.write(snapshot, host, 5_000)
  expect(await others.read('us-east', host, 5_000)).toEqual(snapshot)
  expect(await others.read('eu-central', host, 5_000)).toBeUndefined()
  expect(await others.read('us-east', 'elsewhere.test', 5_000)).toBeUndefined()
})

test('what is left a moment later does not replace it; what is left a second later does', async () => {
  const cache = createSnapshotCache(startMesh(env, ''), productionRuntime)
  const host = `${crypto.randomUUID()}.test`
  const atMs = Date.now() - 2_000
  const at = (ms: number): RegionSnapshot => ({ region: 'us-east', atMs: ms, pools: {}, tokenRatios: {} })
  for (const ms of [0, 999]) await cache.write(at(atMs + ms), host, 5_000)
  expect((await cache.read('us-east', host, 5_000))?.atMs).toBe(atMs)
  await cache.write(at(atMs + 1_000), host, 5_000)
  expect((await cache.read('us-east', host, 5_000))?.atMs).toBe(atMs + 1_000)
})
