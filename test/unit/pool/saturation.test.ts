import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SaturationMark, SaturationNotice } from '../../../shared/pool/saturation.ts'
import {
  beginTrial,
  clear,
  mark,
  mergeSaturation,
  releaseTrial,
  saturatedUntilMs,
} from '../../../shared/pool/saturation.ts'

const NOW = 1000
const told = (status: number, key: string, retryAfterMs?: number): SaturationNotice => ({
  status,
  key,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
})
/** Asked and told at the same time. */
const at = (atMs: number): { askedAtMs: number; atMs: number } => ({ askedAtMs: atMs, atMs })
const marksAfter = (...notices: SaturationNotice[]): readonly SaturationMark[] =>
  notices.reduce<readonly SaturationMark[]>((marks, notice) => mark(marks, notice, at(NOW)), [])

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
  [
    '429 for three other keys, until only one is left',
    [told(429, 'a', 5000), told(429, 'c', 2000), told(429, 'd', 8000)],
    'b',
    6000,
  ],
  ['429 twice for the same other key', [told(429, 'a', 5000), told(429, 'a', 5000)], 'b', 0],
  ['the latest word of a pool', [told(503, 'a', 9000), told(503, 'a', 2000)], 'b', 3000],
  [
    '429 for two keys, which does not take back what the pool said for all',
    [told(503, 'a', 9000), told(429, 'a', 2000), told(429, 'c', 2000)],
    'b',
    10_000,
  ],
])('after %s, the key waits until the time given', (_name, notices, key, untilMs) => {
  expect(saturatedUntilMs(marksAfter(...notices), key, NOW)).toBe(untilMs)
})

test('marks do not pile up, however many keys are told', () => {
  const notices = Array.from({ length: 100 }, (_, n) => told(429, `key-${n}`, 1000 + n))
  expect(marksAfter(...notices)).toHaveLength(8)
  expect(saturatedUntilMs(marksAfter(...notices), 'another', NOW)).toBe(NOW + 1098)
  expect(mark(marksAfter(...notices), told(503, 'a'), at(100_000))).toHaveLength(1)
})

test('an older word that arrives late does not shorten the wait', () => {
  const marks = mark([], told(503, 'a', 9000), at(5000))
  expect(mark(marks, told(503, 'a', 2000), at(4000))).toEqual(marks)
})

describe('when a mark has run out', () => {
  const marks = marksAfter(told(503, 'a', 2000))
  const trying = beginTrial(marks, 'a', 3000)

  test('the key may go, and until it does anyone may', () => {
    expect(saturatedUntilMs(marks, 'a', 2999)).toBe(3000)
    expect([saturatedUntilMs(marks, 'a', 3000), saturatedUntilMs(marks, 'b', 3000)]).toEqual([0, 0])
  })

  test('one request goes first, and the others look again in a second', () => {
    expect(saturatedUntilMs(trying, 'b', 3100)).toBe(4100)
    expect(saturatedUntilMs(trying, 'b', 32_500)).toBe(33_000)
    expect(beginTrial(trying, 'b', 3100)).toBe(trying)
  })

  test('a request before that is not the one that goes first', () => {
    expect(beginTrial(marks, 'a', 2999)).toBe(marks)
    expect(beginTrial(marksAfter(told(429, 'a')), 'b', 5000)).toEqual(marksAfter(told(429, 'a')))
  })

  test('its first token clears the mark', () => {
    expect(clear(trying, 'a', { askedAtMs: 3000 })).toEqual([])
  })

  test('the first token of a request sent before clears nothing', () => {
    expect(clear(trying, 'b', { askedAtMs: 2999 })).toBe(trying)
  })

  test('a first token for another key does not clear what one key was told', () => {
    const own = marksAfter(told(429, 'a', 2000))
    expect(clear(own, 'b', { askedAtMs: 3000 })).toBe(own)
    expect(clear(own, 'a', { askedAtMs: 3000 })).toEqual([])
  })

  test('another "not now" makes the wait twice as long, up to four seconds', () => {
    const waits: number[] = []
    let current = marks
    for (let nowMs = 3000, round = 0; round < 7; round += 1) {
      current = mark(beginTrial(current, 'a', nowMs), told(503, 'a', 500), {
        askedAtMs: nowMs,
        atMs: nowMs + 50,
      })
      const untilMs = saturatedUntilMs(current, 'b', nowMs + 50)
      waits.push(untilMs - nowMs - 50)
      nowMs = untilMs
    }
    expect(waits).toEqual([4000, 4000, 4000, 4000, 4000, 4000, 4000])
  })

  test('a longer time that the pool gives itself holds', () => {
    expect(saturatedUntilMs(mark(trying, told(503, 'a', 9000), at(3000)), 'b', 3000)).toBe(12_000)
  })

  test('a pool that says "at once" and refuses again is not believed again', () => {
    const again = mark(marksAfter(told(503, 'a', 0)), told(503, 'a', 0), at(NOW + 10))
    expect(saturatedUntilMs(again, 'a', NOW + 10)).toBe(NOW + 2010)
  })

  test('many refusals of requests sent before double it once, and take nothing back', () => {
    const renewed = mark(trying, told(503, 'a', 500), { askedAtMs: 3000, atMs: 3050 })
    const stragglers = [3050, 3060, 3070].reduce(
      (sum, atMs) => mark(sum, told(503, 'b', 500), { askedAtMs: 2900, atMs }),
      renewed,
    )
    expect(saturatedUntilMs(stragglers, 'a', 3070)).toBe(7070)
  })

  test('the refusal of a request sent before is no refusal of one that tried again', () => {
    const late = mark(marks, told(503, 'b', 500), { askedAtMs: 2900, atMs: 3050 })
    expect(saturatedUntilMs(late, 'a', 3050)).toBe(3550)
  })

  test('a request that shows nothing lets another go first, a straggler does not', () => {
    expect(saturatedUntilMs(releaseTrial(trying, 'a', { askedAtMs: 3000 }), 'b', 3100)).toBe(0)
    expect(releaseTrial(trying, 'b', { askedAtMs: 2900 })).toBe(trying)
  })

  test('refused only for its own key, it lets another key go first', () => {
    const refused = mark(trying, told(429, 'a', 5000), { askedAtMs: 3000, atMs: 3050 })
    expect(saturatedUntilMs(refused, 'a', 3050)).toBe(8050)
    expect(saturatedUntilMs(refused, 'b', 3050)).toBe(0)
  })

  test('one that never reports makes room after 30 seconds', () => {
    expect(saturatedUntilMs(trying, 'b', 33_000)).toBe(0)
  })

  test('a minute later it is forgotten: nobody goes first', () => {
    expect(saturatedUntilMs(beginTrial(marks, 'a', 63_000), 'b', 63_001)).toBe(0)
  })
})

describe('merging what the region knows', () => {
  test.each<[string, SaturationNotice[], SaturationNotice[], string, number]>([
    ['what only the region was told holds', [], [told(503, 'x', 4000)], 'b', 5000],
    ['the later time holds', [told(503, 'a', 2000)], [told(503, 'x', 4000)], 'b', 5000],
    ['whoever was told it', [told(503, 'a', 4000)], [told(503, 'x', 2000)], 'b', 5000],
    ['what another key was told there keeps only it away', [], [told(429, 'x', 4000)], 'b', 0],
    ['a second key there keeps everyone away', [told(429, 'a', 2000)], [told(429, 'x', 4000)], 'b', 3000],
  ])('%s', (_name, own, regions, key, untilMs) => {
    expect(saturatedUntilMs(mergeSaturation(marksAfter(...own), marksAfter(...regions), NOW), key, NOW)).toBe(
      untilMs,
    )
  })

  test('a mark that was cleared here is not brought back by an old report', () => {
    const marks = marksAfter(told(503, 'a', 2000))
    expect(mergeSaturation(clear(marks, 'a', { askedAtMs: 3000 }), marks, 3100)).toEqual([])
  })

  test("a request that goes first here goes on, and the region's own one is not waited for", () => {
    const marks = marksAfter(told(503, 'a', 2000))
    const trying = beginTrial(marks, 'a', 3000)
    expect(mergeSaturation(trying, marks, 3100)).toBe(trying)
    const renewed = mark(trying, told(503, 'a', 100), at(3200))
    expect(saturatedUntilMs(mergeSaturation(trying, beginTrial(renewed, 'a', 9000), 3300), 'a', 3300)).toBe(
      7200,
    )
  })

  test('a clock that is ahead keeps nobody away for more than a minute', () => {
    const ahead = mark([], told(503, 'a', 60_000), at(500_000))
    expect(saturatedUntilMs(mergeSaturation([], ahead, NOW), 'b', NOW)).toBe(NOW + 60_000)
  })
})

interface Step {
  readonly act: 'told' | 'begin' | 'clear' | 'release'
  readonly gapMs: number
  readonly ageMs: number
  readonly notice: SaturationNotice
}

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
const notice: fc.Arbitrary<SaturationNotice> = fc.record({
  status: fc.constantFrom(429, 429, 503),
  key: fc.constantFrom(...KEYS),
  retryAfterMs: fc.nat(100_000),
})
const steps = (one = notice): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      act: fc.constantFrom<Step['act']>('told', 'told', 'begin', 'clear', 'release'),
      gapMs: fc.nat(5_000),
      ageMs: fc.nat(10_000),
      notice: one,
    }),
    { maxLength: 40 },
  )

function run(all: readonly Step[]): { marks: readonly SaturationMark[]; nowMs: number } {
  let marks: readonly SaturationMark[] = []
  let nowMs = 20_000
  for (const {
    act,
    gapMs,
    ageMs,
    notice: { key, ...rest },
  } of all) {
    nowMs += gapMs
    const askedAtMs = nowMs - ageMs
    if (act === 'told') marks = mark(marks, { key, ...rest }, { askedAtMs, atMs: nowMs })
    else if (act === 'begin') marks = beginTrial(marks, key, nowMs)
    else if (act === 'clear') marks = clear(marks, key, { askedAtMs })
    else marks = releaseTrial(marks, key, { askedAtMs })
  }
  return { marks, nowMs }
}

test('nobody waits for more than a minute, whatever happens, and what is kept is bounded plain data', () => {
  fc.assert(
    fc.property(steps(), (all) => {
      const { marks, nowMs } = run(all)
      for (const key of KEYS) {
        expect(saturatedUntilMs(marks, key, nowMs) - nowMs).toBeLessThanOrEqual(60_000)
        expect(saturatedUntilMs(marks, key, nowMs + 60_000)).toBe(0)
      }
      expect(marks.length).toBeLessThanOrEqual(8)
      expect(JSON.parse(JSON.stringify(marks))).toEqual(marks)
    }),
  )
})

test("one tenant's 429s keep nobody else away", () => {
  const onlyOne = notice.map((one) => ({ ...one, status: 429 as const, key: 'a' }))
  fc.assert(
    fc.property(steps(onlyOne), (all) => {
      const { marks, nowMs } = run(all)
      expect(saturatedUntilMs(marks, 'b', nowMs)).toBe(0)
    }),
  )
})

test('merging the same again changes nothing, and nobody who was kept away is let in by it', () => {
  fc.assert(
    fc.property(steps(), steps(), (mine, theirs) => {
      const own = run(mine)
      const regions = run(theirs)
      const nowMs = Math.max(own.nowMs, regions.nowMs)
      const merged = mergeSaturation(own.marks, regions.marks, nowMs)
      expect(mergeSaturation(merged, regions.marks, nowMs)).toEqual(merged)
      expect(merged.length).toBeLessThanOrEqual(8)
      for (const key of KEYS) {
        const before = saturatedUntilMs(own.marks, key, nowMs)
        // Of a request that goes first nobody knows how long it takes; a mark's time is known.
        const isTrial = own.marks.some(({ triedAtMs }) => triedAtMs !== undefined)
        if (!isTrial) expect(saturatedUntilMs(merged, key, nowMs)).toBeGreaterThanOrEqual(before)
      }
    }),
  )
})
