import { describe, expect, test } from 'vitest'
import { nearest } from '../../../shared/config/nearest.ts'

describe('nearest', () => {
  test.each([
    ['us-est', ['eu-central', 'us-east'], 'us-east'],
    ['shared_prefx', ['shared_prefix', 'price'], 'shared_prefix'],
    ['Story', ['story'], 'story'],
    ['regoin', ['id', 'region'], 'region'],
    ['ue', ['us', 'eu'], 'eu'],
    ['abcdef', ['abcdeg', 'abcdeh'], 'abcdeg'],
  ])('takes %s, among %j, for %s', (given, names, expected) => {
    expect(nearest(given, names)).toBe(expected)
  })

  test.each([
    ['uk', ['us', 'eu']],
    ['2', ['1']],
    ['poem', ['story']],
    ['a'.repeat(65), ['a'.repeat(64)]],
    ['', ['a']],
  ])('has no guess for %s among %j', (given, names) => {
    expect(nearest(given, names)).toBeUndefined()
  })
})
