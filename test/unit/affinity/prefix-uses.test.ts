import { describe, expect, test } from 'vitest'
import { MAX_POOLS_PER_PREFIX, MAX_PREFIXES, createPrefixUses } from '../../../shared/affinity/prefix-uses.ts'

const use = (usedMs: number) => ({ usedMs, computedMs: undefined })

test('a use is known by prefix and pool, the last that was put', () => {
  const uses = createPrefixUses()
  uses.put(1, 'fra', use(5))
  uses.put(1, 'fra', use(7))
  expect([uses.at(1, 'fra'), uses.at(2, 'fra'), uses.at(1, 'iad')]).toEqual([use(7), undefined, undefined])
})

describe('forgetting', () => {
  test.each<[string, readonly number[], number, boolean]>([
    ['drops what was used before', [5], 4, false],
    ['drops what was used just then', [5], 5, false],
    ['leaves what was used since', [5], 6, true],
    ['never brings back what was dropped', [5, 3], 4, false],
    ['drops more when told of more', [3, 5], 5, false],
  ])('%s', (_name, forgotten, usedMs, isKnown) => {
    const uses = createPrefixUses()
    uses.put(1, 'fra', use(usedMs))
    uses.put(1, 'iad', use(usedMs))
    for (const uptoMs of forgotten) uses.forget('fra', uptoMs)
    expect(uses.at(1, 'fra') !== undefined).toBe(isKnown)
    expect(uses.at(1, 'iad')).toEqual(use(usedMs))
  })
})

describe('bounds', () => {
  test('the prefix that was put longest ago leaves, also where others were put first', () => {
    const uses = createPrefixUses()
    for (let id = 0; id < MAX_PREFIXES; id += 1) uses.put(id, 'fra', use(0))
    uses.put(0, 'fra', use(1))
    uses.put(MAX_PREFIXES, 'fra', use(1))
    expect([0, 1, 2].map((id) => uses.at(id, 'fra') !== undefined)).toEqual([true, false, true])
  })

  test('so does the pool of a prefix', () => {
    const uses = createPrefixUses()
    const pools = Array.from({ length: MAX_POOLS_PER_PREFIX + 1 }, (_, at) => `pool-${at}`)
    for (const pool of pools) {
      uses.put(1, pool, use(0))
      uses.put(1, 'pool-0', use(1))
    }
    expect(pools.filter((pool) => uses.at(1, pool) === undefined)).toEqual(['pool-1'])
  })
})
