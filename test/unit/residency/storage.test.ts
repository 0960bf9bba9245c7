import { expect, test } from 'vitest'
import { strictestStorage, withinRetention, type Storage } from '../../../shared/residency/storage.ts'

test.each<[readonly (Storage | undefined)[], Storage]>([
  [[], 'anywhere'],
  [[undefined], 'anywhere'],
  [['anywhere'], 'anywhere'],
  [['anywhere', 'home'], 'home'],
  [['home', undefined, 'anywhere'], 'home'],
  [['home', 'none'], 'none'],
  [['none', 'anywhere'], 'none'],
])('the strictest of %j is %s', (words, expected) => {
  expect(strictestStorage(words)).toBe(expected)
})

test('retention shortens a time to live and never lengthens one', () => {
  expect(withinRetention({ retentionSeconds: 60 }, 3600)).toBe(60)
  expect(withinRetention({ retentionSeconds: 60 }, 10)).toBe(10)
  expect(withinRetention({}, 3600)).toBe(3600)
})
