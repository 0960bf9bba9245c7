/** Counts add up the same whoever adds them, and stay within their bound. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addCounts,
  createCounts,
  increment,
  isEmpty,
  observe,
  type Counts,
} from '../../../shared/metrics/counts.ts'

const anEvent = fc.record({
  tenant: fc.constantFrom('a', 'b', undefined),
  model: fc.constantFrom('x', 'y'),
  // Fractions of milliseconds, whose sums as fractions would hang on their order.
  ms: fc.double({ min: 0, max: 20_000, noNaN: true }),
})

const someCounts = fc.array(anEvent, { maxLength: 20 }).map((events) => {
  const counts = createCounts()
  for (const { tenant, model, ms } of events) {
    increment(counts, 'mesh_tokens_cached_total', { tenant, model })
    observe(counts, 'mesh_overhead_seconds', { model }, ms)
  }
  return counts
})

function sum(...all: readonly Counts[]): Counts {
  const counts = createCounts()
  for (const each of all) addCounts(counts, each)
  return counts
}

describe('adding up', () => {
  test('gives the same in every order and grouping', () => {
    fc.assert(
      fc.property(someCounts, someCounts, someCounts, (a, b, c) => {
        expect(sum(a, b)).toEqual(sum(b, a))
        expect(sum(sum(a, b), c)).toEqual(sum(a, sum(b, c)))
        expect(sum(a)).toEqual(a)
      }),
    )
  })

  test('leaves what is added as it was, also when the sum goes on growing', () => {
    const more = createCounts()
    observe(more, 'mesh_overhead_seconds', { model: 'story' }, 3)
    const before = structuredClone(more)
    addCounts(sum(more), more)
    expect(more).toEqual(before)
  })

  test('beyond the bound counts what is new together, and forgets none of it', () => {
    const counts = createCounts()
    for (const model of ['a', 'b', 'c', 'd', 'a']) {
      const more = createCounts()
      increment(more, 'mesh_attempts_total', { model })
      observe(more, 'mesh_overhead_seconds', { model }, 1)
      addCounts(counts, more, 2)
    }
    expect(counts.counters['mesh_attempts_total']).toEqual({
      'model="a"': 2,
      'model="b"': 1,
      'overflow="true"': 2,
    })
    expect(Object.keys(counts.histograms['mesh_overhead_seconds'] ?? {})).toEqual([
      'model="a"',
      'model="b"',
      'overflow="true"',
    ])
  })
})

describe('observing', () => {
  test.each([
    [0, 0],
    [1, 0],
    [1.001, 1],
    [1_000, 9],
    [1_001, 10],
    [1_000_000, 10],
    [-5, 0],
  ])('puts %d ms into bucket %i of eleven', (ms, bucket) => {
    const counts = createCounts()
    observe(counts, 'mesh_overhead_seconds', { model: 'story' }, ms)
    const histogram = counts.histograms['mesh_overhead_seconds']?.['model="story"']
    expect(histogram?.buckets).toHaveLength(11)
    expect(histogram?.buckets.indexOf(1)).toBe(bucket)
    expect(histogram?.sumMicros).toBe(Math.max(0, Math.round(ms * 1_000)))
  })
})

test('counting nothing makes no series', () => {
  const counts = createCounts()
  increment(counts, 'mesh_retries_total', { model: 'story' }, 0)
  increment(counts, 'mesh_retries_total', { model: 'story' }, -1)
  expect(isEmpty(counts)).toBe(true)
  increment(counts, 'mesh_retries_total', { model: 'story' })
  expect(isEmpty(counts)).toBe(false)
})

test('a label is written so that none can end early, and one without a value not at all', () => {
  const counts = createCounts()
  increment(counts, 'mesh_tokens_cached_total', { tenant: undefined, model: 'a"b\\c\nd' })
  expect(Object.keys(counts.counters['mesh_tokens_cached_total'] ?? {})).toEqual([
    String.raw`model="a\"b\\c\nd"`,
  ])
})
