/** KV as it is far away: cold at first, then stale, for values and for their absence. */
import { expect, test } from 'vitest'
import { delayedKv } from '../../../../workers/dev/delayed-kv.ts'

function setUp() {
  const values = new Map<string, string>()
  const waits: number[] = []
  let nowMs = 0
  const store = {
    get: (key: string) => Promise.resolve(values.get(key) ?? null),
    getWithMetadata: (key: string) => Promise.resolve({ value: values.get(key) ?? null, metadata: null }),
    put: (key: string, value: string) => {
      values.set(key, value)
      return Promise.resolve()
    },
    delete: (key: string) => {
      values.delete(key)
      return Promise.resolve()
    },
    list: () => Promise.resolve({ keys: [...values.keys()].map((name) => ({ name })) }),
  }
  const kv = delayedKv(store as unknown as KVNamespace, {
    delays: { kvColdMs: 100, kvStaleMs: 60_000 },
    now: () => nowMs,
    wait: (ms) => {
      waits.push(ms)
      return Promise.resolve()
    },
  })
  return {
    kv,
    waits,
    elsewhere: values,
    advance: (ms: number) => {
      nowMs += ms
    },
  }
}

test('the first read of a key is cold, the next ones are not', async () => {
  const { kv, waits, elsewhere } = setUp()
  elsewhere.set('a', '1')
  expect([await kv.get('a'), await kv.get('a')]).toEqual(['1', '1'])
  expect(waits).toEqual([100])
})

test('what was written elsewhere is seen when the old value has had its time, and not before', async () => {
  const { kv, elsewhere, advance } = setUp()
  elsewhere.set('a', 'old')
  await kv.get('a')
  elsewhere.set('a', 'new')
  advance(59_999)
  expect(await kv.get('a')).toBe('old')
  advance(1)
  expect(await kv.get('a')).toBe('new')
})

test('an absence is remembered like a value', async () => {
  const { kv, elsewhere, advance } = setUp()
  expect(await kv.get('a')).toBeNull()
  elsewhere.set('a', '1')
  expect(await kv.get('a')).toBeNull()
  advance(60_000)
  expect(await kv.get('a')).toBe('1')
})

test('what is written or deleted here is seen here at once', async () => {
  const { kv, elsewhere } = setUp()
  await kv.get('a')
  await kv.put('a', '1')
  expect(await kv.get('a')).toBe('1')
  expect(elsewhere.get('a')).toBe('1')
  await kv.delete('a')
  expect(await kv.get('a')).toBeNull()
})

test('a write to one key does not refresh another', async () => {
  const { kv, elsewhere } = setUp()
  elsewhere.set('a', 'old').set('b', '1')
  await kv.get('a')
  elsewhere.set('a', 'new')
  await kv.put('b', '2')
  expect(await kv.get('a')).toBe('old')
})

test('other methods pass through', async () => {
  const { kv, elsewhere } = setUp()
  elsewhere.set('a', '1')
  expect((await kv.list()).keys.map(({ name }) => name)).toEqual(['a'])
})
