/** Limits and budgets as the config has them, and the periods they count in. */
import { expect, test } from 'vitest'
import { periodOf, periodsOf, untilNextMs } from '../../../shared/ledger/period.ts'
import { termsOf } from '../../../shared/ledger/terms.ts'
import { refilled, taken, waitMs } from '../../../shared/ledger/token-bucket.ts'

test('what is not limited needs no ledger', () => {
  expect(termsOf({})).toBeUndefined()
  expect(termsOf({ limits: {} })).toBeUndefined()
})

test('dollars become micro-dollars, and nothing stays nothing', () => {
  expect(termsOf({ limits: { rpm: 0 }, budget: { period: 'month', dollars: 12.5, tokens: 0 } })).toEqual({
    requestsPerMinute: 0,
    budget: { period: 'month', microdollars: 12_500_000, tokens: 0 },
  })
})

test('periods are of UTC', () => {
  const nowMs = Date.UTC(2026, 11, 31, 23, 59, 59)
  expect(periodsOf(nowMs)).toEqual(['2026-12-31', '2026-12', 'total'])
  expect([periodOf('day', nowMs), periodOf('month', nowMs), periodOf('total', nowMs)]).toEqual(
    periodsOf(nowMs),
  )
  expect([untilNextMs('day', nowMs), untilNextMs('month', nowMs)]).toEqual([1000, 1000])
  expect(untilNextMs('total', nowMs)).toBeUndefined()
})

test('a bucket is filled evenly, never beyond a minute’s worth', () => {
  const bucket = taken({ level: 60, atMs: 0 }, 60, 60)
  expect(waitMs(bucket, 1, 60)).toBe(1000)
  expect(refilled(bucket, 60, 30_000)).toEqual({ level: 30, atMs: 30_000 })
  expect(refilled(bucket, 60, 3_600_000)).toEqual({ level: 60, atMs: 3_600_000 })
  expect(taken({ level: 50, atMs: 0 }, -20, 60).level).toBe(60)
})
