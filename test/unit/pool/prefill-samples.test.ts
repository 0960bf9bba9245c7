import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PrefillSample } from '../../../shared/pool/prefill-samples.ts'
import { isFirstImpression, isSound, keep, union } from '../../../shared/pool/prefill-samples.ts'

const sample = (atMs: number, uncachedTokens = 100, rest: Partial<PrefillSample> = {}): PrefillSample => ({
  askedAtMs: atMs - 40,
  atMs,
  ttftMs: 40,
  queueMs: 0,
  uncachedTokens,
  isCounted: false,
  ...rest,
})
const times = (samples: readonly PrefillSample[]): number[] => samples.map(({ atMs }) => atMs)

test('a long prompt is remembered through any number of short ones', () => {
  const short = Array.from({ length: 100 }, (_, index) => sample(index + 2))
  expect(times(keep([sample(1, 9000), ...short]))).toEqual([1, 94, 95, 96, 97, 98, 99, 100, 101])
})

test('what is older than ten minutes is dropped, unless it is among the five newest', () => {
  const old = [1, 2, 3, 4, 5, 6].map((atMs) => sample(atMs))
  expect(times(keep([...old, sample(600_005)]))).toEqual([3, 4, 5, 6, 600_005])
  expect(times(keep([...old, sample(700_000)]))).toEqual([3, 4, 5, 6, 700_000])
  expect(times(keep([...old, sample(600_001)]))).toEqual([1, 2, 3, 4, 5, 6, 600_001])
})

test('once a pool counts, prompts that it has not counted take no room from those that it has', () => {
  const counted = Array.from({ length: 8 }, (_, index) => sample(index, 100, { isCounted: true }))
  const awaited = Array.from({ length: 20 }, (_, index) => sample(index + 10))
  expect(times(keep([...counted, ...awaited]))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 25, 26, 27, 28, 29])
})

test('of a dispatch that two have seen the counted version stays', () => {
  const counted = sample(5, 20, { isCounted: true })
  expect(union([sample(5)], [counted])).toEqual([counted])
  expect(union([counted], [sample(5)])).toEqual([counted])
})

test.each<[string, Partial<PrefillSample>, boolean]>([
  ['an ordinary one', {}, true],
  ['a first token within the same tick of the clock', { ttftMs: 0 }, true],
  ['a prompt that was cached whole', { uncachedTokens: 0 }, true],
  ['a negative time', { ttftMs: -1 }, false],
  ['no time', { ttftMs: NaN }, false],
  ['a time without end', { ttftMs: Infinity }, false],
  ['a day', { ttftMs: 86_400_000 }, false],
  ['a negative queue', { queueMs: -1 }, false],
  ['a queue without end', { queueMs: Infinity }, false],
  ['fewer tokens than none', { uncachedTokens: -1 }, false],
  ['more tokens than any context', { uncachedTokens: 1e9 }, false],
  ['a dispatch at no time', { askedAtMs: NaN }, false],
  ['a token at no time', { atMs: -Infinity }, false],
])('whether %s is a measurement', (_name, part, expected) => {
  expect(isSound(sample(1000, 100, part))).toBe(expected)
})

test.each<[string, readonly PrefillSample[], boolean]>([
  ['nothing', [], false],
  ['one first token', [sample(1000)], true],
  ['several, asked for at once', [sample(1000), sample(1030)], true],
  ['one that was asked for when another had come', [sample(1000), sample(1040)], false],
  ['a wait that no set-up explains', [sample(9000, 100, { askedAtMs: 0, ttftMs: 9000 })], false],
])('whether %s may be set-up', (_name, samples, expected) => {
  expect(isFirstImpression(samples)).toBe(expected)
})

test('however many come, few are kept, oldest first, and keeping again drops nothing more', () => {
  const any = fc.record({
    askedAtMs: fc.nat(2_000_000),
    atMs: fc.nat(2_000_000),
    ttftMs: fc.nat(60_000),
    queueMs: fc.nat(100),
    uncachedTokens: fc.nat(40_000),
    isCounted: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(any, { maxLength: 150 }), fc.array(any, { maxLength: 20 }), (some, others) => {
      const kept = union(some, others)
      expect(kept.length).toBeLessThanOrEqual(5 * (8 + 4) + 5)
      expect(times(kept)).toEqual(times(kept).toSorted((a, b) => a - b))
      expect(keep(kept)).toEqual(kept)
      expect(union(others, some)).toEqual(kept)
    }),
  )
})
