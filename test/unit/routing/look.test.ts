import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addRequest,
  lookFor,
  takeLook,
  type LookCredit,
  type LookSubject,
} from '../../../shared/routing/look.ts'

const NOW_MS = 100_000
const FULL = { looks: 1, blindLooks: 1 }
const BEST: LookSubject = {
  pool: 'best',
  scoreMs: 100,
  optimisticMs: 100,
  uncachedTokens: 10,
  waiting: 0,
  seenAtMs: NOW_MS,
}
const other = (changes: Partial<LookSubject> = {}): LookSubject => ({
  ...BEST,
  pool: 'other',
  scoreMs: 300,
  optimisticMs: 30,
  seenAtMs: NOW_MS - 3000,
  ...changes,
})
const look = (subject: LookSubject, credit: LookCredit = FULL): string | undefined =>
  lookFor([BEST, subject], 'best', credit, NOW_MS)?.kind

describe('a pool that could be better', () => {
  test.each<[string, Partial<LookSubject>, string | undefined]>([
    ['is looked at every three seconds', {}, 'look'],
    ['not sooner', { seenAtMs: NOW_MS - 2999 }, undefined],
    ['nor where somebody asked it since', { lastDispatchAtMs: NOW_MS - 2999 }, undefined],
    ['nor while somebody is looking', { waiting: 1 }, undefined],
    ['nor by a large prompt', { uncachedTokens: 2049 }, undefined],
    ['nor if it could not be better', { optimisticMs: 100 }, undefined],
    [
      'is looked at again at once where it was much better just now',
      { seenAtMs: NOW_MS - 10, lastLevelMs: 140, levelMs: 300 },
      'follow_up',
    ],
    ['or where that may be set-up', { seenAtMs: NOW_MS - 10, isFirstImpression: true }, 'follow_up'],
    [
      'but not where it was a little better',
      { seenAtMs: NOW_MS - 10, lastLevelMs: 160, levelMs: 300 },
      undefined,
    ],
  ])('%s', (_name, changes, expected) => {
    expect(look(other(changes))).toBe(expected)
  })

  test('waits for its share, unless it is followed up', () => {
    expect(look(other(), { looks: 0.99, blindLooks: 0 })).toBeUndefined()
    expect(
      look(other({ seenAtMs: NOW_MS - 10, lastLevelMs: 140, levelMs: 300 }), { looks: 0, blindLooks: 0 }),
    ).toBe('follow_up')
  })
})

test('a pool that could not be better is looked at once a minute, in case its place is wrong', () => {
  expect(look(other({ optimisticMs: 200, seenAtMs: NOW_MS - 60_000 }))).toBe('blind')
  expect(look(other({ optimisticMs: 200, seenAtMs: NOW_MS - 59_999 }))).toBeUndefined()
})

test('the most promising one goes first', () => {
  const subjects = [BEST, other({ pool: 'a', optimisticMs: 50 }), other({ pool: 'b', optimisticMs: 40 })]
  expect(lookFor(subjects, 'best', FULL, NOW_MS)?.pool).toBe('b')
})

test('however many requests there are, looks are no more than their share and one', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 400 }), (wishes) => {
      let credit: LookCredit = { looks: 0, blindLooks: 0 }
      let taken = 0
      for (const wants of wishes) {
        credit = addRequest(credit)
        if (!wants || credit.looks < 1 - 1e-9) continue
        credit = takeLook(credit, { pool: 'a', kind: 'look' })
        taken += 1
      }
      expect(taken).toBeLessThanOrEqual(0.05 * wishes.length + 1e-6)
      expect(credit.blindLooks).toBeLessThanOrEqual(1)
    }),
  )
})
