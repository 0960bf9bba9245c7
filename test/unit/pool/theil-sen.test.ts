import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Point } from '../../../shared/pool/theil-sen.ts'
import { theilSen } from '../../../shared/pool/theil-sen.ts'
import { must } from '../residency/a-mesh.ts'

const points = (...pairs: readonly [number, number][]): Point[] => pairs.map(([x, y]) => ({ x, y }))

test.each<[string, Point[], ReturnType<typeof theilSen>]>([
  ['no points', [], undefined],
  ['one point', points([5, 5]), undefined],
  ['points too close to compare', points([0, 0], [9, 90]), undefined],
  ['two points', points([0, 0], [10, 20]), { slope: 2, disjointPairs: 1 }],
  ['points in any order', points([20, 41], [0, 1], [10, 21]), { slope: 2, disjointPairs: 1 }],
  [
    'one point far from a cluster',
    points([0, 0], [1, 0], [2, 0], [20, 40]),
    { slope: 40 / 19, disjointPairs: 1 },
  ],
  ['two clusters', points([0, 0], [1, 2], [20, 40], [21, 42]), { slope: 2, disjointPairs: 2 }],
])('%s', (_name, given, expected) => {
  const found = theilSen(given, 10)
  if (expected === undefined) expect(found).toBeUndefined()
  else {
    expect(found?.slope).toBeCloseTo(expected.slope, 9)
    expect(found?.disjointPairs).toBe(expected.disjointPairs)
  }
})

test('the slope is the median of those of all pairs, the lower one of an even number', () => {
  const point = fc.record({ x: fc.nat(1000), y: fc.integer({ min: -1000, max: 1000 }) })
  fc.assert(
    fc.property(fc.array(point, { maxLength: 20 }), (given) => {
      const slopes = given
        .flatMap((a) => given.filter((b) => b.x - a.x >= 50).map((b) => (b.y - a.y) / (b.x - a.x)))
        .toSorted((a, b) => a - b)
      expect(theilSen(given, 50)?.slope).toBe(slopes[(slopes.length - 1) >> 1])
    }),
  )
})

test('a quarter of the points may be anything', () => {
  const anything = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 10, maxLength: 10 })
  fc.assert(
    fc.property(anything, fc.double({ min: 0, max: 10, noNaN: true }), (wrong, slope) => {
      const given = Array.from({ length: 40 }, (_, x) => ({
        x,
        y: x % 4 === 0 ? must(wrong[x / 4]) : 7 + slope * x,
      }))
      expect(must(theilSen(given, 1)).slope).toBeCloseTo(slope, 6)
    }),
  )
})
