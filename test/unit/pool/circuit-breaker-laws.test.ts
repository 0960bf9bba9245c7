/** What holds of a breaker in any order of events. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Breaker, Failure, FailureKind, Outcome } from '../../../shared/pool/circuit-breaker.ts'
import {
  CLOSED,
  begin,
  mayDispatch,
  mergeBreakers,
  record,
  recordProbe,
  release,
  retryAfterMs,
} from '../../../shared/pool/circuit-breaker.ts'

const first = 'first_token' as const
const whole = 'completed' as const

interface Event {
  readonly act: Outcome | 'begin' | 'release' | 'alive' | 'dead'
  readonly gapMs: number
  readonly ageMs: number
}

const failure: fc.Arbitrary<Failure> = fc.record({
  kind: fc.constantFrom<FailureKind>('unreachable', 'timeout', 'server_error', 'redirect'),
  key: fc.constantFrom('a', 'b'),
  sawFirstToken: fc.boolean(),
})
const act = fc.oneof(
  fc.constantFrom<Event['act'][]>(first, whole, 'begin', 'begin', 'release', 'alive', 'dead'),
  { weight: 2, arbitrary: failure },
)
const events = fc.array(
  fc.record<Event>({ act, gapMs: fc.oneof(fc.nat(200), fc.nat(20_000)), ageMs: fc.nat(4_000) }),
)

function changed(breaker: Breaker, { act: what, ageMs }: Event, nowMs: number): Breaker {
  switch (what) {
    case 'begin':
      return begin(breaker, nowMs)
    case 'release':
      return release(breaker)
    case 'alive':
    case 'dead':
      return recordProbe(breaker, what === 'alive', nowMs)
    default:
      return record(breaker, what, { askedAtMs: nowMs - ageMs, atMs: nowMs })
  }
}

function run(
  all: readonly Event[],
  check: (breaker: Breaker, nowMs: number) => void = () => {},
): { breaker: Breaker; nowMs: number } {
  let breaker = CLOSED
  let nowMs = 100_000
  for (const event of all) {
    nowMs += event.gapMs
    breaker = changed(breaker, event, nowMs)
    check(breaker, nowMs)
  }
  return { breaker, nowMs }
}

const changedAtMs = (breaker: Breaker): number =>
  breaker.kind === 'closed' ? (breaker.ended?.atMs ?? 0) : breaker.sinceMs

test('whatever happens, a minute without news lets a request through', () => {
  fc.assert(
    fc.property(events, (all) => {
      run(all, (breaker, nowMs) => {
        expect(retryAfterMs(breaker, nowMs)).toBeLessThanOrEqual(60_000)
        expect(mayDispatch(breaker, nowMs + 60_000)).toBe(true)
      })
    }),
  )
})

test('it is plain data of bounded size, and the same after a journey as JSON', () => {
  fc.assert(
    fc.property(events, (all) => {
      const { breaker } = run(all)
      expect(breaker.failures.length).toBeLessThanOrEqual(6)
      expect(JSON.stringify(breaker).length).toBeLessThan(2500)
      expect(JSON.parse(JSON.stringify(breaker))).toEqual(breaker)
    }),
  )
})

test('merging the same again changes nothing; with itself, it is itself', () => {
  fc.assert(
    fc.property(events, events, (mine, theirs) => {
      const [own, regions] = [run(mine), run(theirs)]
      const nowMs = Math.max(own.nowMs, regions.nowMs)
      const merged = mergeBreakers(own.breaker, regions.breaker, nowMs)
      expect(mergeBreakers(merged, regions.breaker, nowMs)).toEqual(merged)
      expect(mergeBreakers(own.breaker, own.breaker, nowMs)).toEqual(own.breaker)
    }),
  )
})

test('merging never loses the newer change, and never opens what was closed here since', () => {
  fc.assert(
    fc.property(events, events, (mine, theirs) => {
      const [own, regions] = [run(mine), run(theirs)]
      const merged = mergeBreakers(own.breaker, regions.breaker, Math.max(own.nowMs, regions.nowMs))
      const [ownMs, regionsMs] = [changedAtMs(own.breaker), changedAtMs(regions.breaker)]
      expect(changedAtMs(merged)).toBeGreaterThanOrEqual(ownMs)
      if (ownMs >= regionsMs) expect(merged.kind).toBe(own.breaker.kind)
      if (regionsMs > ownMs && own.breaker.kind !== 'closed') expect(changedAtMs(merged)).toBe(regionsMs)
    }),
  )
})

test('a pool that serves again is closed at the first request it gets, and stays so', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 60_000, max: 600_000 }), (all, gapMs) => {
      const { breaker, nowMs } = run(all)
      const laterMs = nowMs + gapMs
      const back = record(begin(breaker, laterMs), first, { askedAtMs: laterMs, atMs: laterMs + 40 })
      expect(back.kind).toBe('closed')
      expect(record(back, whole, { askedAtMs: laterMs, atMs: laterMs + 400 })).toMatchObject({
        kind: 'closed',
        failures: [],
      })
    }),
  )
})
