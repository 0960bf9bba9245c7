import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Breaker, Failure, FailureKind } from '../../../shared/pool/circuit-breaker.ts'
import {
  CLOSED,
  begin,
  mayDispatch,
  record,
  release,
  retryAfterMs,
} from '../../../shared/pool/circuit-breaker.ts'

const fail = (kind: FailureKind, key = 'a'): Failure => ({ kind, key })
const ok = 'success' as const

function afterAll(outcomes: readonly ('success' | Failure)[]): Breaker {
  return outcomes.reduce<Breaker>((breaker, outcome) => record(breaker, outcome, 0), CLOSED)
}

test.each<[string, readonly ('success' | Failure)[], Breaker['kind']]>([
  ['two failures', [fail('unreachable'), fail('unreachable')], 'closed'],
  ['three times not reached', [fail('unreachable'), fail('unreachable'), fail('unreachable')], 'open'],
  ['three redirects', [fail('redirect'), fail('redirect'), fail('redirect')], 'open'],
  ['redirects and not reached', [fail('redirect'), fail('unreachable'), fail('redirect')], 'open'],
  ['three errors for one key', [fail('server_error'), fail('server_error'), fail('server_error')], 'closed'],
  ['three timeouts for one key', [fail('timeout'), fail('timeout'), fail('timeout')], 'closed'],
  [
    'one error among not reached, one key',
    [fail('unreachable'), fail('server_error'), fail('unreachable')],
    'closed',
  ],
  [
    'three errors for two keys',
    [fail('server_error'), fail('server_error', 'b'), fail('server_error')],
    'open',
  ],
  [
    'errors for one key, then another',
    [fail('timeout'), fail('timeout'), fail('timeout'), fail('timeout', 'b')],
    'open',
  ],
  ['a success in between', [fail('unreachable'), fail('unreachable'), ok, fail('unreachable')], 'closed'],
  [
    'three times not reached after errors',
    [fail('server_error'), fail('unreachable'), fail('unreachable'), fail('unreachable')],
    'open',
  ],
])('after %s it is right to be so', (_name, outcomes, kind) => {
  expect(afterAll(outcomes).kind).toBe(kind)
})

test('one key alone can never open it by what its requests contain', () => {
  const kinds = fc.constantFrom<FailureKind | 'success'>('server_error', 'timeout', 'success')
  fc.assert(
    fc.property(fc.array(kinds, { maxLength: 60 }), (outcomes) => {
      expect(afterAll(outcomes.map((kind) => (kind === 'success' ? kind : fail(kind)))).kind).toBe('closed')
    }),
  )
})

describe('once open', () => {
  const open = afterAll([fail('unreachable'), fail('unreachable'), fail('unreachable')])

  test('it keeps requests away for two seconds', () => {
    expect([mayDispatch(open, 1999), mayDispatch(open, 2000)]).toEqual([false, true])
    expect([retryAfterMs(open, 500), retryAfterMs(open, 9000)]).toEqual([1500, 0])
  })

  test('then one probe goes through, and no second', () => {
    const probing = begin(open, 2000)
    expect(mayDispatch(probing, 2001)).toBe(false)
    expect(retryAfterMs(probing, 2001)).toBe(29_999)
  })

  test('a probe that never reports makes room for another', () => {
    expect(mayDispatch(begin(open, 2000), 32_000)).toBe(true)
  })

  test('a probe that shows nothing makes room at once', () => {
    expect(mayDispatch(release(begin(open, 2000)), 2001)).toBe(true)
  })

  test('a probe that succeeds closes it, with no memory of the failures', () => {
    expect(record(begin(open, 2000), ok, 2050)).toEqual(CLOSED)
  })

  test('probes that fail double the time, up to a minute', () => {
    const waits: number[] = []
    let breaker = open
    for (let nowMs = 2000, round = 0; round < 7; round += 1) {
      breaker = record(begin(breaker, nowMs), fail('unreachable'), nowMs)
      waits.push(retryAfterMs(breaker, nowMs))
      nowMs += retryAfterMs(breaker, nowMs)
    }
    expect(waits).toEqual([4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  })

  test('stragglers that fail change nothing; one that succeeds lets a probe through', () => {
    expect(record(open, fail('timeout', 'b'), 100)).toBe(open)
    expect(mayDispatch(record(open, ok, 100), 100)).toBe(true)
    expect(record(open, ok, 100).kind).toBe('open')
  })

  test('a request before its time is not taken for a probe', () => {
    expect(begin(open, 100)).toBe(open)
  })

  test.each<[string, readonly Failure[], boolean]>([
    ['errors only', [fail('server_error'), fail('server_error', 'b'), fail('server_error')], true],
    ['a silence among errors', [fail('server_error'), fail('timeout', 'b'), fail('server_error')], false],
    ['not reached', [fail('unreachable'), fail('unreachable'), fail('unreachable')], false],
  ])('it remembers whether the pool still answers: %s', (_name, failures, answers) => {
    expect(afterAll(failures)).toMatchObject({ kind: 'open', answers })
  })
})

test('whatever happens, a minute without news lets a request through', () => {
  const outcome = fc.oneof(
    fc.constant(ok),
    fc.constant('begin' as const),
    fc.constant('release' as const),
    fc.record({
      kind: fc.constantFrom<FailureKind>('unreachable', 'timeout'),
      key: fc.constantFrom('a', 'b'),
    }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(outcome, fc.nat(20_000))), (events) => {
      let breaker: Breaker = CLOSED
      let nowMs = 0
      for (const [event, gapMs] of events) {
        nowMs += gapMs
        if (event === 'begin') breaker = begin(breaker, nowMs)
        else if (event === 'release') breaker = release(breaker)
        else breaker = record(breaker, event, nowMs)
      }
      expect(retryAfterMs(breaker, nowMs)).toBeLessThanOrEqual(60_000)
      expect(mayDispatch(breaker, nowMs + 60_000)).toBe(true)
    }),
  )
})
