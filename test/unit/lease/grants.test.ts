import fc from 'fast-check'
import { expect, test } from 'vitest'
import { copyFrom, isUsable } from '../../../shared/lease/config-lease.ts'
import { changed, granted, startGrants, waitFor } from '../../../shared/lease/grants.ts'

test('when a change has waited, no grant from before it is live, whatever was granted and changed', () => {
  const event = fc.record({ afterMs: fc.nat(4000), kind: fc.constantFrom('grant', 'grant', 'change') })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), (events) => {
      let nowMs = 0
      let grants = startGrants(nowMs)
      // Before it started somebody may have been granted one.
      const endsAtMs = [5000]
      let older = [...endsAtMs]
      for (const { afterMs, kind } of events) {
        nowMs += afterMs
        if (kind === 'grant') {
          grants = granted(grants, nowMs)
          endsAtMs.push(nowMs + 5000)
        } else {
          grants = changed(grants)
          older = [...endsAtMs]
        }
        expect(nowMs + waitFor(grants, nowMs)).toBeGreaterThanOrEqual(Math.max(...older) + 250)
        expect(waitFor(grants, nowMs)).toBeLessThanOrEqual(5250)
      }
    }),
  )
})

test.each([
  ['that is live', 7, 14_999, true],
  ['of a later entry', 8, 12_000, true],
  ['that has ended', 7, 10_000, false],
  ['of an entry before the newest that is known', 6, 14_000, false],
  ['that ends later than any lease could', 7, 16_500, false],
])('a copy %s is used: %#', (_name, number, expiresAtMs, isUsed) => {
  expect(isUsable({ number, version: 'cfg_000000000000', expiresAtMs }, 7, 10_000)).toBe(isUsed)
})

test('a copy ends five seconds after the lease was asked for', () => {
  expect(copyFrom({ number: 3, version: 'cfg_000000000000' }, 1000)).toEqual({
    number: 3,
    version: 'cfg_000000000000',
    expiresAtMs: 6000,
  })
})
