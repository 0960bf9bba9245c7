/** The store of the config's versions: what is written is there, one of two writers wins, and a change waits for leases. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import type { ConfigChange } from '../../../workers/objects/config-store-rpc.ts'

function aStore() {
  return env.CONFIG_STORE.getByName(`test/${crypto.randomUUID()}`)
}

function aChange(expected: string, name: string): ConfigChange {
  return { expected, version: name, text: `text of ${name}`, act: 'put', who: 'admin', note: `to ${name}` }
}

test('it begins with what was deployed, and is what was put, also after a restart', async () => {
  const store = aStore()
  const seed = await store.current()
  expect(seed).toMatchObject({ number: 1, act: 'seed', who: 'deploy' })
  expect(seed.text).toBe(env.MESH_CONFIG)
  const begunMs = Date.now()
  expect(await store.change(aChange(seed.version, 'two'))).toMatchObject({
    kind: 'changed',
    entry: { number: 2 },
  })
  // Somebody may hold a lease from before the store began.
  expect(Date.now() - begunMs).toBeGreaterThan(4000)
  await evictDurableObject(store)
  expect(await store.current()).toMatchObject({ number: 2, version: 'two', text: 'text of two' })
  const history = await store.history(undefined)
  expect(history.map(({ number, version, act, note }) => [number, version, act, note])).toEqual([
    [2, 'two', 'put', 'to two'],
    [1, seed.version, 'seed', ''],
  ])
  expect(await store.history(2)).toHaveLength(1)
})

test('of two changes of one version the second is a conflict, at once; an old text goes back by its name', async () => {
  const store = aStore()
  const { version: seed } = await store.current()
  const [won, lost] = await Promise.all([store.change(aChange(seed, 'a')), store.change(aChange(seed, 'b'))])
  expect(won.kind).toBe('changed')
  expect(lost).toEqual({ kind: 'conflict', current: 'a' })
  const { text: _text, ...back } = aChange('a', seed)
  expect(await store.change({ ...back, version: 'never' })).toEqual({ kind: 'unknown' })
  expect(await store.change({ ...back, act: 'rollback' })).toMatchObject({
    kind: 'changed',
    entry: { number: 3, version: seed, act: 'rollback' },
  })
  expect(await store.grantLease(seed)).toEqual({ number: 3, version: seed })
  expect(await store.grantLease('a')).toMatchObject({ number: 3, text: env.MESH_CONFIG })
})

test('what is forgotten of a long history is its beginning, and texts that nothing names', async () => {
  const store = aStore()
  const { version } = await store.current()
  await runInDurableObject(store, (_store, { storage }) => {
    for (let number = 2; number <= 1001; number += 1) {
      storage.sql.exec('INSERT INTO config VALUES (?, ?)', `v${number}`, 'text')
      storage.sql.exec("INSERT INTO entry VALUES (?, ?, 0, 'put', 'admin', '')", number, `v${number}`)
    }
  })
  await evictDurableObject(store)
  await store.change(aChange('v1001', 'newest'))
  expect(await store.version(version)).toBeUndefined()
  expect(await store.version('v3')).toMatchObject({ number: 3 })
})
