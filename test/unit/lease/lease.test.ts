import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Issuer } from '../../../shared/lease/issuer.ts'
import { LEASE_MARGIN_MS, grant, raiseEpoch, startIssuer } from '../../../shared/lease/issuer.ts'
import type { Lease } from '../../../shared/lease/lease.ts'
import { LEASE_TTL_MS, isLive, isRenewalDue, leaseFrom } from '../../../shared/lease/lease.ts'

const THIRD = { epoch: 3, wrappedKey: 'key of 3' }
const granted = { configVersion: 'v1', tenant: 't', ...THIRD }

test('a lease counts from when it was asked for', () => {
  expect(leaseFrom(granted, 1000)).toEqual({ ...granted, expiresAtMs: 6000 })
})

test.each([
  ['just asked', 0, true, false],
  ['before half of its time', 2499, true, false],
  ['at half of its time', 2500, true, true],
  ['just before its end', 4999, true, true],
  ['at its end', 5000, false, true],
  ['long after', 99_000, false, true],
])('a lease %s', (_name, nowMs, live, due) => {
  const lease = leaseFrom(granted, 0)
  expect([isLive(lease, nowMs), isRenewalDue(lease, nowMs)]).toEqual([live, due])
})

test('an issuer that granted nothing for a while waits only the margin', () => {
  const issuer: Issuer = { current: THIRD, lastGrantEndsAtMs: 4000 }
  expect(raiseEpoch(issuer, 'key of 4', 9000)).toEqual([
    { current: { epoch: 4, wrappedKey: 'key of 4' }, lastGrantEndsAtMs: 4000 },
    LEASE_MARGIN_MS,
  ])
})

test('an issuer waits for the latest grant', () => {
  const [first] = grant({ current: THIRD, lastGrantEndsAtMs: 0 }, 1000)
  const [second, given] = grant(first, 3000)
  expect(given).toEqual(THIRD)
  expect(raiseEpoch(second, 'key of 4', 3500)[1]).toBe(4500 + LEASE_MARGIN_MS)
})

test('a clock that steps back shortens no wait', () => {
  const [first] = grant({ current: THIRD, lastGrantEndsAtMs: 0 }, 9000)
  const [second] = grant(first, 1000)
  expect(second.lastGrantEndsAtMs).toBe(9000 + LEASE_TTL_MS)
})

test('an issuer that has just started assumes that it granted a moment ago', () => {
  expect(raiseEpoch(startIssuer(THIRD, 7000), 'key of 4', 7000)[1]).toBe(LEASE_TTL_MS + LEASE_MARGIN_MS)
})

/**
 * Holders ask at any time; their question and the answer travel for any time; the issuer may restart from its stored
 * epoch, and is asked to raise it at any time, even while an earlier raise still waits.
 */
test('no holder acts on an old epoch after a raise has returned, however messages are delayed', () => {
  const ask = fc.record({
    kind: fc.constant('ask' as const),
    atMs: fc.nat(30_000),
    there: fc.nat(9000),
    back: fc.nat(9000),
  })
  const raise = fc.record({ kind: fc.constant('raise' as const), atMs: fc.nat(30_000) })
  const restart = fc.record({ kind: fc.constant('restart' as const), atMs: fc.nat(30_000) })
  let covered = 0
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ arbitrary: ask, weight: 4 }, raise, restart), { maxLength: 40 }),
      (steps) => {
        const arrivals = steps
          .map((step) => ({ step, atMs: step.kind === 'ask' ? step.atMs + step.there : step.atMs }))
          .toSorted((a, b) => a.atMs - b.atMs)
        let issuer = startIssuer({ epoch: 0, wrappedKey: 'key of 0' }, 0)
        const held: { lease: Lease; fromMs: number }[] = []
        const returns: { epoch: number; atMs: number }[] = []
        for (const { step, atMs } of arrivals) {
          if (step.kind === 'ask') {
            const [next, given] = grant(issuer, atMs)
            issuer = next
            const lease = leaseFrom({ configVersion: 'v1', tenant: 't', ...given }, step.atMs)
            held.push({ lease, fromMs: atMs + step.back })
          } else if (step.kind === 'raise') {
            const [next, waitMs] = raiseEpoch(issuer, `key of ${issuer.current.epoch + 1}`, atMs)
            issuer = next
            returns.push({ epoch: next.current.epoch, atMs: atMs + waitMs })
          } else {
            issuer = startIssuer(issuer.current, atMs)
          }
        }
        for (const { epoch, atMs } of returns) {
          for (const { lease, fromMs } of held) {
            expect(lease.wrappedKey).toBe(`key of ${lease.epoch}`)
            if (lease.epoch >= epoch) continue
            covered += 1
            expect(isLive(lease, Math.max(atMs, fromMs))).toBe(false)
          }
        }
      },
    ),
    { numRuns: 1000 },
  )
  expect(covered).toBeGreaterThan(1000)
})
