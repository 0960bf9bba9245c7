import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { embeddingShardOf } from '../../../shared/embedding/shard-of-embedding.ts'

const nameOf = (index: number) => createHash('sha256').update(`name ${index}`).digest('base64url')
const tenantOf = (index: number) => createHash('sha256').update(`tenant ${index}`).digest('hex').slice(0, 32)

test.each([
  ['00000000ffffffff', 'AAAA', 64, 0],
  ['00000000ffffffff', 'AAAB', 64, 1],
  ['00000000ffffffff', 'AAAD', 64, 3],
  ['00000000ffffffff', 'AAAE', 64, 0],
  ['0000003f00000000', 'AAAB', 64, 0],
  ['ffffffff00000000', 'AAAA', 64, 63],
  ['0000000500000000', 'AAAD', 1, 0],
  ['0000000500000000', 'AAAD', 3, 2],
])('tenant %s and name %s among %i shards', (tenant, name, shards, expected) => {
  expect(embeddingShardOf(tenant, name, shards)).toBe(expected)
})

test('a tenant has four shards, evenly used, and tenants are spread over all', () => {
  const all = new Set<number>()
  for (let tenant = 0; tenant < 200; tenant += 1) {
    const counts = new Map<number, number>()
    for (let index = 0; index < 400; index += 1) {
      const shard = embeddingShardOf(tenantOf(tenant), nameOf(index), 64)
      counts.set(shard, (counts.get(shard) ?? 0) + 1)
      all.add(shard)
    }
    expect(counts.size).toBe(4)
    for (const count of counts.values()) expect(count).toBeGreaterThan(60)
  }
  expect(all.size).toBe(64)
})
