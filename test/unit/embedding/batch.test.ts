import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchOf } from '../../../shared/embedding/batch.ts'

test.each([
  [
    ['a', 'b', 'a', 'c', 'b'],
    ['a', 'b', 'c'],
    [0, 1, 0, 2, 1],
  ],
  [
    [[1, 2], [12], [1, 2]],
    [[1, 2], [12]],
    [0, 1, 0],
  ],
  [
    ['[1,2]', '"a"'],
    ['[1,2]', '"a"'],
    [0, 1],
  ],
])('%j', (inputs, items, itemOf) => {
  expect(batchOf(inputs)).toEqual({ items, itemOf })
})

test('every input is the item it refers to, and no item is there twice', () => {
  const anyInput = fc.oneof(fc.string({ maxLength: 2 }), fc.array(fc.nat(3), { maxLength: 2 }))
  fc.assert(
    fc.property(fc.array(anyInput), (inputs) => {
      const { items, itemOf } = batchOf(inputs)
      expect(itemOf.map((number) => items[number])).toEqual(inputs)
      expect(new Set(items.map((item) => JSON.stringify(item))).size).toBe(items.length)
    }),
  )
})
