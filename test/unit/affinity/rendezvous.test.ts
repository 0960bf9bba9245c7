import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RendezvousPool } from '../../../shared/affinity/rendezvous.ts'
import { rendezvous } from '../../../shared/affinity/rendezvous.ts'

const POOLS: readonly RendezvousPool[] = [
  { id: 'fra-1', capacity: 1 },
  { id: 'fra-2', capacity: 1 },
  { id: 'iad-1', capacity: 2 },
  { id: 'nrt-1', capacity: 4 },
]
const KEYS = Array.from({ length: 20_000 }, (_, at) => at * 450_359_962_737)

const key = fc.maxSafeNat()
const pools = fc
  .uniqueArray(fc.record({ id: fc.string(), capacity: fc.double({ min: 0.01, max: 100, noNaN: true }) }), {
    selector: ({ id }) => id,
    minLength: 1,
    maxLength: 12,
  })
  .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })))

describe('picking', () => {
  test.each<[string, readonly RendezvousPool[], number, number]>([
    ['as many as asked', POOLS, 2, 2],
    ['no more than there are', POOLS, 9, 4],
    ['none from none', [], 2, 0],
    ['none where none are asked', POOLS, 0, 0],
    [
      'none without capacity',
      [
        { id: 'idle', capacity: 0 },
        { id: 'odd', capacity: NaN },
      ],
      2,
      0,
    ],
  ])('%s', (_name, from, count, expected) => {
    expect(new Set(rendezvous(7, from, count)).size).toBe(expected)
  })

  test('keys that differ only above or only below their 32nd bit choose on their own', () => {
    const low = new Set(Array.from({ length: 64 }, (_, at) => rendezvous(at, POOLS, 1)[0]))
    const high = new Set(Array.from({ length: 64 }, (_, at) => rendezvous(at * 2 ** 32, POOLS, 1)[0]))
    expect([low.size, high.size]).toEqual([4, 4])
  })
})

test('shares follow capacity within a tenth, for the first choice', () => {
  const counts = new Map<string, number>()
  for (const each of KEYS) {
    const [first = ''] = rendezvous(each, POOLS, 1)
    counts.set(first, (counts.get(first) ?? 0) + 1)
  }
  for (const { id, capacity } of POOLS) {
    const fair = (KEYS.length * capacity) / 8
    expect(Math.abs((counts.get(id) ?? 0) - fair), id).toBeLessThan(fair * 0.1)
  }
})

test('where the first choice goes away, the keys of it spread over the others by capacity', () => {
  const counts = new Map<string, number>()
  const orphans = KEYS.map((each) => rendezvous(each, POOLS, 2)).filter(([first]) => first === 'nrt-1')
  for (const [, second = ''] of orphans) counts.set(second, (counts.get(second) ?? 0) + 1)
  for (const [id, capacity] of [
    ['fra-1', 1],
    ['fra-2', 1],
    ['iad-1', 2],
  ] as const) {
    const fair = (orphans.length * capacity) / 4
    expect(Math.abs((counts.get(id) ?? 0) - fair), id).toBeLessThan(fair * 0.1)
  }
})

test('removing a pool moves only what chose it, and the rest moves up', () => {
  fc.assert(
    fc.property(key, pools, fc.nat(11), (each, [list], at) => {
      const gone = list[at % list.length]?.id
      const left = list.filter(({ id }) => id !== gone)
      expect(rendezvous(each, left, list.length)).toEqual(
        rendezvous(each, list, list.length).filter((id) => id !== gone),
      )
    }),
  )
})

test('a pool that gets more capacity only gains keys', () => {
  fc.assert(
    fc.property(key, pools, fc.nat(11), (each, [list], at) => {
      const grown = list[at % list.length]?.id ?? ''
      const after = list.map((pool) => (pool.id === grown ? { ...pool, capacity: pool.capacity * 3 } : pool))
      const rank = (from: readonly RendezvousPool[]) => rendezvous(each, from, from.length).indexOf(grown)
      expect(rank(after)).toBeLessThanOrEqual(rank(list))
    }),
  )
})

test('the order in which pools are given is nothing to it', () => {
  fc.assert(
    fc.property(key, pools, fc.nat(5), (each, [list, shuffled], count) => {
      expect(rendezvous(each, shuffled, count)).toEqual(rendezvous(each, list, count))
    }),
  )
})
