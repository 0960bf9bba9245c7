import { expect, test } from 'vitest'
import { z } from 'zod'
import { freeObject, listOf, object } from '../../../shared/schema/request-checks.ts'

test('reads a list only up to its first mistake', () => {
  let reads = 0
  const counted = (value: unknown) => ({
    get item() {
      reads += 1
      return value
    },
  })
  const list = listOf(z.object({ item: z.string() }), { min: 1, max: Infinity, expected: 'a list' })
  const result = list.safeParse([counted('a'), counted(1), counted(2), counted(3)])
  expect(result.error?.issues).toMatchObject([{ path: [1, 'item'] }])
  expect(reads).toBe(2)
})

test.each([[undefined], [null], ['ab'], [{}], [[]], [[1, 2, 3]]])(
  'takes no list but of the right length: %j',
  (value) => {
    const list = listOf(z.number(), { min: 1, max: 2, expected: 'one or two numbers' })
    expect(list.safeParse(value).error?.issues).toMatchObject([{ path: [], message: 'one or two numbers' }])
    expect(list.safeParse([1, 2]).data).toEqual([1, 2])
  },
)

test('leaves null members out of an object and lets no other in', () => {
  const shape = object({ a: z.string().nullish(), b: z.number().nullish() })
  expect(shape.parse({ a: null, b: 0 })).toEqual({ b: 0 })
  expect(shape.safeParse({ c: 1 }).success).toBe(false)
})

test('bounds an object of the client’s own by its text', () => {
  expect(freeObject(9).safeParse({ a: 'b' }).success).toBe(true)
  expect(freeObject(8).safeParse({ a: 'b' }).success).toBe(false)
  expect(freeObject(9).safeParse([]).success).toBe(false)
})
