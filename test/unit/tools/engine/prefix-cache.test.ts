import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBlockHasher, createPrefixCache } from '../../../../tools/local/engine/prefix-cache.ts'

function blocksOf(tokens: readonly number[], salt?: string): readonly number[] {
  const hasher = createBlockHasher(salt, 16)
  for (const token of tokens) hasher.push(token)
  return hasher.blocks
}

const count = (length: number, first = 0) => Array.from({ length }, (_, index) => first + index)

describe('the prefix cache', () => {
  test.each([
    ['nothing is known', 40, 0, 0],
    ['less than a block is shared', 40, 15, 0],
    ['one block is shared', 40, 16, 16],
    ['a block and a half are shared', 40, 24, 16],
    ['all but a tail is shared', 100, 96, 96],
    ['the whole prompt is known', 40, 40, 32],
    ['the whole prompt is known and ends with a block', 48, 48, 32],
    ['a prompt of one block is known', 16, 16, 0],
  ])('says how much is cached when %s', (_, promptTokens, sharedTokens, cachedTokens) => {
    const cache = createPrefixCache({ blockSizeTokens: 16, capacityBlocks: 100 })
    cache.store(blocksOf([...count(sharedTokens), ...count(200, 5_000)]))
    expect(cache.match(blocksOf(count(promptTokens)), promptTokens)).toBe(cachedTokens)
  })

  test('finds full shared blocks and nothing else, for any two prompts', () => {
    const tokens = fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 80 })
    fc.assert(
      fc.property(tokens, tokens, tokens, (shared, before, after) => {
        const cache = createPrefixCache({ blockSizeTokens: 16, capacityBlocks: 100 })
        const [known, asked] = [
          [...shared, ...before],
          [...shared, ...after, 9],
        ]
        cache.store(blocksOf(known))
        const difference = asked.findIndex((token, index) => token !== known[index])
        expect(cache.match(blocksOf(asked), asked.length)).toBe(Math.floor(difference / 16) * 16)
      }),
    )
  })

  test.each([
    ['another salt', 'tenant-a', 'tenant-b'],
    ['no salt', 'tenant-a', undefined],
    ['a salt when there was none', undefined, 'tenant-a'],
  ])('never shares a block with %s', (_, storedUnder, askedUnder) => {
    const cache = createPrefixCache({ blockSizeTokens: 16, capacityBlocks: 100 })
    cache.store(blocksOf(count(64), storedUnder))
    expect(cache.match(blocksOf(count(64), askedUnder), 64)).toBe(0)
    expect(cache.match(blocksOf(count(64), storedUnder), 64)).toBe(48)
  })

  test('forgets the least recently used prompt first, and its end before its beginning', () => {
    const cache = createPrefixCache({ blockSizeTokens: 16, capacityBlocks: 8 })
    const [first, second, third] = [count(64), count(64, 1_000), count(48, 2_000)].map((tokens) =>
      blocksOf(tokens),
    )
    cache.store(first ?? [])
    cache.store(second ?? [])
    expect(cache.match(first ?? [], 65)).toBe(64)
    cache.store(third ?? [])
    expect(cache.size()).toBe(8)
    expect(cache.match(first ?? [], 65)).toBe(64)
    expect(cache.match(second ?? [], 65)).toBe(16)
    expect(cache.match(third ?? [], 49)).toBe(48)
  })

  test('keeps the beginning of a prompt that is longer than the cache', () => {
    const cache = createPrefixCache({ blockSizeTokens: 16, capacityBlocks: 3 })
    const blocks = blocksOf(count(160))
    cache.store(blocks)
    expect(cache.match(blocks, 161)).toBe(48)
  })

  test('is cold after it was cleared', () => {
    const cache = createPrefixCache({ blockSizeTokens: 16, capacityBlocks: 8 })
    cache.store(blocksOf(count(64)))
    cache.clear()
    expect(cache.match(blocksOf(count(64)), 64)).toBe(0)
  })
})
