import { expect, test } from 'vitest'
import type { SaturationMark, SaturationNotice } from '../../../shared/pool/saturation.ts'
import { mark, saturatedUntilMs } from '../../../shared/pool/saturation.ts'

const NOW = 1000
const told = (status: number, key: string, retryAfterMs?: number): SaturationNotice => ({
  status,
  key,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
})
const marksAfter = (...notices: SaturationNotice[]): readonly SaturationMark[] =>
  notices.reduce<readonly SaturationMark[]>((marks, notice) => mark(marks, notice, NOW), [])

test.each<[string, SaturationNotice[], string, number]>([
  ['nothing', [], 'a', 0],
  ['503 without a time', [told(503, 'a')], 'b', 2000],
  ['529 with a time', [told(529, 'a', 5000)], 'b', 6000],
  ['a time longer than a minute', [told(503, 'a', 3_600_000)], 'b', 61_000],
  ['a time in the past', [told(503, 'a', -5)], 'b', 0],
  ['429 for this key', [told(429, 'a', 5000)], 'a', 6000],
  ['429 for another key', [told(429, 'a', 5000)], 'b', 0],
  ['429 for two other keys, until one has run out', [told(429, 'a', 5000), told(429, 'c', 2000)], 'b', 3000],
  ['429 for two keys, for one of them', [told(429, 'a', 5000), told(429, 'c', 2000)], 'a', 6000],
  ['429 twice for the same other key', [told(429, 'a', 5000), told(429, 'a', 5000)], 'b', 0],
  ['the latest word of a pool', [told(503, 'a', 9000), told(503, 'a', 2000)], 'b', 3000],
])('after %s, the key waits until the time given', (_name, notices, key, untilMs) => {
  expect(saturatedUntilMs(marksAfter(...notices), key, NOW)).toBe(untilMs)
})

test('a mark that has run out is nothing', () => {
  expect(saturatedUntilMs(marksAfter(told(503, 'a', 2000)), 'a', 3000)).toBe(0)
})

test('marks do not pile up, however many keys are told', () => {
  const notices = Array.from({ length: 100 }, (_, n) => told(429, `key-${n}`, 1000 + n))
  expect(marksAfter(...notices)).toHaveLength(8)
  expect(mark(marksAfter(...notices), told(503, 'a'), 100_000)).toHaveLength(1)
})
