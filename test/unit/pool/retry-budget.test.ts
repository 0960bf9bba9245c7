import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RetryBudget } from '../../../shared/pool/retry-budget.ts'
import {
  EMPTY_BUDGET,
  MAX_BALANCE,
  PERIOD_MS,
  RESERVE,
  deposit,
  mayRetry,
  withdraw,
} from '../../../shared/pool/retry-budget.ts'

const SHARE = 0.2
const NOW = 1_700_000_000_000

/** Retries until there are no more, all at this time. */
function spend(budget: RetryBudget, nowMs: number): { retries: number; left: RetryBudget } {
  let left = budget
  for (let retries = 0; ; retries += 1) {
    if (!mayRetry(left, nowMs)) return { retries, left }
    left = withdraw(left, nowMs)
  }
}

function afterRequests(count: number, nowMs: number, budget = EMPTY_BUDGET): RetryBudget {
  return Array.from({ length: count }).reduce<RetryBudget>((sum) => deposit(sum, SHARE, nowMs), budget)
}

test.each<[string, RetryBudget, number, number]>([
  ['with no requests at all, the reserve', EMPTY_BUDGET, NOW, 10],
  ['after 50 requests, a fifth of them more', afterRequests(50, NOW), NOW, 20],
  ['after very many, no more than the balance may hold', afterRequests(100_000, NOW), NOW, 100],
  ['a second after it was all spent, one', spend(EMPTY_BUDGET, NOW).left, NOW + 1_000, 1],
  ['ten seconds after, the reserve again', spend(EMPTY_BUDGET, NOW).left, NOW + 10_000, 10],
  ['an hour after, no more than that', spend(EMPTY_BUDGET, NOW).left, NOW + 3_600_000, 10],
  ['ten seconds after 450 requests, what is left of their 90', afterRequests(450, NOW), NOW + 10_000, 43],
  ['a minute after them, hardly more than the reserve', afterRequests(450, NOW), NOW + 60_000, 10],
  ['when the clock has stepped back, what there was', afterRequests(50, NOW), NOW - 5_000, 20],
])('retries come to an end: %s', (_name, budget, nowMs, retries) => {
  expect(spend(budget, nowMs).retries).toBe(retries)
})

test('when every request fails at 100 a second, a fifth of them is tried again and the reserve', () => {
  let budget = EMPTY_BUDGET
  let retries = 0
  for (let request = 0; request < 1_000; request += 1) {
    const nowMs = NOW + request * 10
    budget = deposit(budget, SHARE, nowMs)
    while (mayRetry(budget, nowMs)) {
      budget = withdraw(budget, nowMs)
      retries += 1
    }
  }
  expect(retries).toBeGreaterThanOrEqual(200)
  expect(retries).toBeLessThanOrEqual(200 + 2 * RESERVE)
})

test('a share of nothing leaves the reserve', () => {
  expect(spend(deposit(EMPTY_BUDGET, 0, NOW), NOW).retries).toBe(10)
})

test('within any ten seconds, retries are at most the share of the requests, the reserve and the balance', () => {
  const step = fc.record({
    gapMs: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(8_000)),
    isRequest: fc.boolean(),
    count: fc.integer({ min: 1, max: 400 }),
  })
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (steps, share) => {
        let budget = EMPTY_BUDGET
        let nowMs = NOW
        const events: { atMs: number; requests: number; retries: number }[] = []
        for (const { gapMs, isRequest, count } of steps) {
          nowMs += gapMs
          const event = { atMs: nowMs, requests: 0, retries: 0 }
          for (let n = 0; n < count; n += 1) {
            if (isRequest) {
              budget = deposit(budget, share, nowMs)
              event.requests += 1
            } else if (mayRetry(budget, nowMs)) {
              budget = withdraw(budget, nowMs)
              event.retries += 1
            }
          }
          expect(budget.balance).toBeGreaterThanOrEqual(0)
          expect(budget.balance).toBeLessThanOrEqual(MAX_BALANCE)
          events.push(event)
        }
        for (const { atMs: endMs } of events) {
          const within = events.filter(({ atMs }) => atMs <= endMs && atMs > endMs - PERIOD_MS)
          const retries = within.reduce((sum, event) => sum + event.retries, 0)
          const requests = within.reduce((sum, event) => sum + event.requests, 0)
          expect(retries).toBeLessThanOrEqual(share * requests + RESERVE + MAX_BALANCE + 1e-6)
        }
      },
    ),
  )
})

test('it is the same after a journey as JSON', () => {
  const budget = afterRequests(7, NOW)
  expect(JSON.parse(JSON.stringify(budget))).toEqual(budget)
})
