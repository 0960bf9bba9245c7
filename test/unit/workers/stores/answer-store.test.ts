/** Copies outside the shard are few, never out of date, and whatever is wrong with them is a miss and no more. */
import { describe, expect, test } from 'vitest'
import { encodeAbout, encodeEvents } from '../../../../shared/log/document.ts'
import { createPromoter } from '../../../../workers/objects/promoter.ts'
import { createAnswerStore, kvKey } from '../../../../workers/stores/answer-store.ts'
import { createVault } from '../../../../workers/vault/vault.ts'
import { must } from '../a-dispatch.ts'
import { aKeptLog } from '../a-kept-log.ts'
import { aKv } from '../a-kv.ts'

const NOW_MS = 2_000_000
const MEBIBYTE = 1024 * 1024
const vault = createVault({ current: new TextEncoder().encode('test encryption secret of 32 bytes or more') })

async function aStore() {
  const kv = aKv()
  let failures = 0
  const store = createAnswerStore(kv.namespace, vault, () => {
    failures += 1
  })
  const wrappedKey = await vault.newWrappedKey('test')
  return {
    kv,
    store,
    wrappedKey,
    get failures() {
      return failures
    },
    /** Puts what a shard would. */
    promote: (fingerprint: string, kept = aKeptLog()) =>
      createPromoter(kv.namespace, vault, 100).promote({
        tenant: 'demo',
        fingerprint,
        wrappedKey,
        kept,
        nowMs: NOW_MS,
      }),
  }
}

describe('in memory', () => {
  test('is what was remembered last under a name, until it is forgotten', async () => {
    const { store } = await aStore()
    const [old, young] = [aKeptLog({ text: 'old' }), aKeptLog({ text: 'young' })]
    expect(store.remembered('a', NOW_MS)).toBeUndefined()
    store.remember('a', old)
    expect(store.remembered('a', NOW_MS)).toBe(old)
    store.remember('a', young)
    expect(store.remembered('a', NOW_MS)).toBe(young)
    expect(store.remembered('b', NOW_MS)).toBeUndefined()
    store.forget('a')
    expect(store.remembered('a', NOW_MS)).toBeUndefined()
  })

  test('nothing is given from the moment on at which it ends', async () => {
    const { store } = await aStore()
    const kept = aKeptLog({ expiresAtMs: NOW_MS })
    store.remember('a', kept)
    expect(store.remembered('a', NOW_MS - 1)).toBe(kept)
    expect(store.remembered('a', NOW_MS)).toBeUndefined()
    // And it is not there any more, whatever the clock does.
    expect(store.remembered('a', NOW_MS - 1)).toBeUndefined()
  })

  test('are so many characters and no more: what was not used for longest goes first', async () => {
    const { store } = await aStore()
    const large = (text: string) => aKeptLog({ text: text.repeat(2.5 * MEBIBYTE) })
    const logs = { a: large('a'), b: large('b'), c: large('c'), d: large('d') }
    for (const name of ['a', 'b', 'c'] as const) store.remember(name, logs[name])
    expect(store.remembered('a', NOW_MS)).toBe(logs.a)
    store.remember('d', logs.d)
    const there = (['a', 'b', 'c', 'd'] as const).map((name) => store.remembered(name, NOW_MS) === logs[name])
    expect(there).toEqual([true, false, true, true])
  })

  test('what has ended, been replaced or been forgotten takes no room', async () => {
    const { store } = await aStore()
    const large = () => aKeptLog({ text: 'x'.repeat(3 * MEBIBYTE), expiresAtMs: NOW_MS })
    store.remember('replaced', large())
    store.remember('replaced', aKeptLog())
    store.remember('forgotten', large())
    store.forget('forgotten')
    store.remember('ended', large())
    store.remembered('ended', NOW_MS)
    const kept = [aKeptLog({ text: 'y'.repeat(3 * MEBIBYTE) }), aKeptLog({ text: 'z'.repeat(3 * MEBIBYTE) })]
    for (const [index, each] of kept.entries()) store.remember(`kept ${index}`, each)
    expect(kept.map((each, index) => store.remembered(`kept ${index}`, NOW_MS) === each)).toEqual([
      true,
      true,
    ])
    expect(store.remembered('replaced', NOW_MS)).toBeDefined()
  })

  test('nothing that alone is more than the room stays, nor makes room for itself for ever', async () => {
    const { store } = await aStore()
    store.remember('huge', aKeptLog({ text: 'x'.repeat(9 * MEBIBYTE) }))
    expect(store.remembered('huge', NOW_MS)).toBeUndefined()
    const kept = aKeptLog()
    store.remember('a', kept)
    expect(store.remembered('a', NOW_MS)).toBe(kept)
  })

  test('are so many copies and no more, however small: each costs more than its characters', async () => {
    const { store } = await aStore()
    const kept = aKeptLog()
    for (let index = 0; index < 4100; index += 1) store.remember(`name ${index}`, kept)
    expect(store.remembered('name 3', NOW_MS)).toBeUndefined()
    expect(store.remembered('name 4', NOW_MS)).toBe(kept)
    expect(store.remembered('name 4099', NOW_MS)).toBe(kept)
  })
})

describe('from KV', () => {
  test('comes what a shard has put there', async () => {
    const { store, promote, wrappedKey, failures } = await aStore()
    const kept = aKeptLog({ text: 'Grüße ✓ 👩‍🚀' })
    await promote('a', kept)
    const fetched = must(await store.fetch('a', wrappedKey))
    expect(encodeAbout(fetched)).toBe(encodeAbout(kept))
    expect(encodeEvents(fetched.log, 0)).toBe(encodeEvents(kept.log, 0))
    expect(failures).toBe(0)
  })

  test('comes nothing that is not there, and that is no failure', async () => {
    const made = await aStore()
    expect(await made.store.fetch('a', made.wrappedKey)).toBeUndefined()
    expect(made.failures).toBe(0)
  })

  test('is known what has come from there, until it is gone or forgotten', async () => {
    const { store, promote, wrappedKey, kv } = await aStore()
    await promote('a')
    expect(store.hasComeFromKv('a')).toBe(false)
    await store.fetch('a', wrappedKey)
    expect(store.hasComeFromKv('a')).toBe(true)
    kv.values.clear()
    await store.fetch('a', wrappedKey)
    expect(store.hasComeFromKv('a')).toBe(false)
    await promote('a')
    await store.fetch('a', wrappedKey)
    store.forget('a')
    expect(store.hasComeFromKv('a')).toBe(false)
  })

  test('of very many names not all are known', async () => {
    const { store, promote, wrappedKey, kv } = await aStore()
    await promote('a')
    const value = must(kv.values.get(kvKey('a')))
    await store.fetch('a', wrappedKey)
    for (let index = 0; index < 3; index += 1) {
      kv.values.set(kvKey(`name ${index}`), value)
      await store.fetch(`name ${index}`, wrappedKey)
    }
    // What is sealed for one name does not open under another.
    expect(store.hasComeFromKv('name 0')).toBe(false)
    expect(store.hasComeFromKv('a')).toBe(true)
  })

  test('a value with any one bit changed is a miss, and counted', async () => {
    const made = await aStore()
    await made.promote('a')
    const value = must(made.kv.values.get(kvKey('a')))
    for (let byte = 0; byte < value.byteLength; byte += 1) {
      const damaged = value.slice()
      damaged[byte] = must(damaged[byte]) ^ (1 << (byte % 8))
      made.kv.values.set(kvKey('a'), damaged)
      expect(await made.store.fetch('a', made.wrappedKey)).toBeUndefined()
      expect(made.failures).toBe(byte + 1)
    }
    expect(made.store.hasComeFromKv('a')).toBe(false)
  })

  test.each<[string, Uint8Array]>([
    ['empty', new Uint8Array()],
    ['no ciphertext', new TextEncoder().encode('{"summary":{}}')],
    ['of zeros', new Uint8Array(1000)],
  ])('a value that is %s is a miss, and counted', async (_name, value) => {
    const made = await aStore()
    made.kv.values.set(kvKey('a'), value)
    expect(await made.store.fetch('a', made.wrappedKey)).toBeUndefined()
    expect(made.failures).toBe(1)
  })

  test.each<[string, string]>([
    ['no line', 'nothing'],
    ['nothing about it', '\nd{"choices":[]}\n'],
    ['about another', '{"summary":{}}\nd{"choices":[]}\n'],
    ['fewer events than it says', `${encodeAbout(aKeptLog())}\nd1{"choices":[]}\n`],
  ])('a value that says %s is a miss, and counted', async (_name, text) => {
    const made = await aStore()
    const cipher = must(await vault.cipher(made.wrappedKey, 'a'))
    made.kv.values.set(kvKey('a'), await cipher.seal('kv', new TextEncoder().encode(text)))
    expect(await made.store.fetch('a', made.wrappedKey)).toBeUndefined()
    expect(made.failures).toBe(1)
  })

  test('a value of before a purge is a miss: its key is gone', async () => {
    const made = await aStore()
    await made.promote('a')
    expect(await made.store.fetch('a', await vault.newWrappedKey('test'))).toBeUndefined()
    expect(await made.store.fetch('a', 'no key at all')).toBeUndefined()
    expect(made.failures).toBe(2)
  })

  test('that fails comes nothing, and that is counted', async () => {
    const made = await aStore()
    await made.promote('a')
    made.kv.how = 'fails'
    expect(await made.store.fetch('a', made.wrappedKey)).toBeUndefined()
    expect(made.failures).toBe(1)
    made.kv.how = 'well'
    expect(await made.store.fetch('a', made.wrappedKey)).toBeDefined()
  })
})

describe('what a shard puts into KV', () => {
  test('is under a name that says nothing, and shows nothing', async () => {
    const { promote, kv } = await aStore()
    await promote('the fingerprint', aKeptLog({ text: 'a secret answer' }))
    expect([...kv.values.keys()]).toEqual(['log/2/the fingerprint'])
    const bytes = new TextDecoder('latin1').decode(must(kv.values.get('log/2/the fingerprint')))
    for (const plain of ['secret', 'choices', 'eu-central', 'story']) expect(bytes).not.toContain(plain)
  })

  test.each([
    [3_600_999, 3600],
    [61_000, 61],
    [59_999, 60],
    [1000, 60],
  ])('with %i ms to live, lives for %i s there', async (leftMs, seconds) => {
    const { promote, kv } = await aStore()
    await promote('a', aKeptLog({ expiresAtMs: NOW_MS + leftMs }))
    expect(kv.puts).toEqual([{ key: kvKey('a'), expirationTtl: seconds }])
  })

  test.each([999, 0, -5000])('with %i ms to live is not put there at all', async (leftMs) => {
    const { promote, kv } = await aStore()
    await promote('a', aKeptLog({ expiresAtMs: NOW_MS + leftMs }))
    expect(kv.puts).toEqual([])
  })

  test('is no more than so many an hour for each tenant', async () => {
    const { kv, wrappedKey } = await aStore()
    const promoter = createPromoter(kv.namespace, vault, 2)
    const put = (tenant: string, nowMs: number) =>
      promoter.promote({
        tenant,
        fingerprint: tenant,
        wrappedKey,
        kept: aKeptLog({ expiresAtMs: 1e12 }),
        nowMs,
      })
    for (let time = 0; time < 5; time += 1) await put('one', 3_600_000 + time)
    await put('two', 3_600_000)
    expect(kv.puts.map(({ key }) => key)).toEqual([kvKey('one'), kvKey('one'), kvKey('two')])
    await put('one', 7_200_000)
    expect(kv.puts).toHaveLength(4)
  })

  test('is nothing that is so large that it comes no sooner from there, and that costs nothing of the hour', async () => {
    const { kv, wrappedKey } = await aStore()
    const promoter = createPromoter(kv.namespace, vault, 1)
    const put = (text: string) =>
      promoter.promote({
        tenant: 'one',
        fingerprint: 'a',
        wrappedKey,
        kept: aKeptLog({ text }),
        nowMs: NOW_MS,
      })
    await put('x'.repeat(1024 * 1024))
    expect(kv.puts).toEqual([])
    await put('x')
    expect(kv.puts).toHaveLength(1)
  })
})
