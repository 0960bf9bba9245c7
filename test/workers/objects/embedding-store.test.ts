/** A shard keeps thousands of vectors, gives many of them at once, and forgets each when its time is over. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { EmbeddingToKeep } from '../../../workers/objects/embedding-rpc.ts'
import { aShard } from '../support/jobs.ts'

const NOW_MS = 1_800_000_000_000
const HOUR_MS = 3_600_000

let shard = aShard()
beforeEach(() => {
  shard = aShard()
  vi.spyOn(Date, 'now').mockReturnValue(NOW_MS)
})
afterEach(() => {
  vi.restoreAllMocks()
})

function nameOf(number: number): string {
  return `name-${number}`.padEnd(43, '_')
}

/** Four bytes that say which one it is, and filler. */
function kept(number: number, { bytes = 4, livesMs = HOUR_MS } = {}): EmbeddingToKeep {
  const sealed = new Uint8Array(bytes)
  new DataView(sealed.buffer).setUint32(0, number)
  return { name: nameOf(number), sealed, expiresAtMs: NOW_MS + livesMs }
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number)

async function read(wanted: readonly number[], { tenant = 'tenant', maxCopies = 0 } = {}) {
  return shard.readEmbeddings({ tenant, names: wanted.map(nameOf), maxCopies })
}

async function found(wanted: readonly number[]): Promise<number[]> {
  const embeddings = await read(wanted)
  return embeddings
    .map(({ name, sealed }) => {
      const number = new DataView(sealed.buffer, sealed.byteOffset).getUint32(0)
      expect(name).toBe(nameOf(number))
      return number
    })
    .toSorted((a, b) => a - b)
}

describe('vectors', () => {
  test('are there when 2048 are asked for at once, those that are not are left out', async () => {
    await shard.writeEmbeddings(numbers(2048).map((number) => kept(number * 2)))
    expect(await found(numbers(2048))).toEqual(numbers(1024).map((number) => number * 2))
    expect(await found(numbers(2048).map((number) => number * 2))).toHaveLength(2048)
  })

  test('are replaced by newer ones', async () => {
    await shard.writeEmbeddings([kept(1), kept(2)])
    await shard.writeEmbeddings([{ ...kept(1), sealed: Uint8Array.of(9) }])
    const [one] = await read([1])
    expect(one?.sealed).toEqual(Uint8Array.of(9))
    expect(await found([2])).toEqual([2])
  })

  test('survive the end of their object', async () => {
    await shard.writeEmbeddings([kept(1)])
    await evictDurableObject(shard)
    expect(await found([1, 2])).toEqual([1])
  })

  test('that do not fit into one answer are not there', async () => {
    // 64 KiB each: 384 of them are 24 MiB.
    for (let from = 0; from < 400; from += 100) {
      await shard.writeEmbeddings(numbers(100).map((number) => kept(from + number, { bytes: 65_536 })))
    }
    expect(await read(numbers(400))).toHaveLength(384)
  })

  test('have odd names that say nothing to the database', async () => {
    const odd = `'"\u0000\u{1f600}); DROP TABLE embedding; --`
    await shard.writeEmbeddings([{ ...kept(1), name: odd }])
    expect(await shard.readEmbeddings({ tenant: 't', names: [odd, '['], maxCopies: 0 })).toHaveLength(1)
    expect(await shard.readEmbeddings({ tenant: 't', names: [], maxCopies: 0 })).toEqual([])
  })
})

describe('expiry', () => {
  test('is to the millisecond, whether the alarm has run or not', async () => {
    await shard.writeEmbeddings([kept(1, { livesMs: 1500 }), kept(2, { livesMs: 1501 })])
    vi.spyOn(Date, 'now').mockReturnValue(NOW_MS + 1499)
    expect(await found([1, 2])).toEqual([1, 2])
    vi.spyOn(Date, 'now').mockReturnValue(NOW_MS + 1500)
    expect(await found([1, 2])).toEqual([2])
  })

  test('deletes by an alarm within the second, which sets the next', async () => {
    await shard.writeEmbeddings([kept(2, { livesMs: 5000 }), kept(1, { livesMs: 1500 })])
    expect(await alarm()).toBe(NOW_MS + 2000)
    vi.spyOn(Date, 'now').mockReturnValue(NOW_MS + 2000)
    await runDurableObjectAlarm(shard)
    expect(await rows()).toBe(1)
    expect(await alarm()).toBe(NOW_MS + 5000)
    vi.spyOn(Date, 'now').mockReturnValue(NOW_MS + 5000)
    await runDurableObjectAlarm(shard)
    expect(await rows()).toBe(0)
    expect(await alarm()).toBeNull()
  })

  function alarm(): Promise<number | null> {
    return runInDurableObject(shard, (_, { storage }) => storage.getAlarm())
  }

  function rows(): Promise<number> {
    return runInDurableObject(
      shard,
      (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM embedding').one().n,
    )
  }
})

describe('a vector is to be copied to KV', () => {
  async function copied(wanted: readonly number[], maxCopies: number): Promise<number> {
    const embeddings = await read(wanted, { maxCopies })
    return embeddings.filter(({ isToCopy }) => isToCopy).length
  }

  test('when it is read a second time, once, and no more of them at a time than the edge can', async () => {
    await shard.writeEmbeddings(numbers(5).map((number) => kept(number)))
    const counts: number[] = []
    for (let time = 0; time < 5; time += 1) counts.push(await copied(numbers(5), 2))
    expect(counts).toEqual([0, 2, 2, 1, 0])
  })

  test('and never where the placement keeps it from there', async () => {
    await shard.writeEmbeddings([kept(1)])
    expect(await copied([1], 0)).toBe(0)
    expect(await copied([1], 0)).toBe(0)
  })
})
