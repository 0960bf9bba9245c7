import { describe, expect, test } from 'vitest'
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

const fail = (kind: FailureKind, key = 'a'): Failure => ({ kind, key, sawFirstToken: false })
const broken = (key = 'a'): Failure => ({ kind: 'server_error', key, sawFirstToken: true })
const first = 'first_token' as const
const whole = 'completed' as const
/** Sent and seen at the same time. */
const at = (atMs: number): { askedAtMs: number; atMs: number } => ({ askedAtMs: atMs, atMs })
const after = (outcomes: readonly Outcome[], atMs = 0, from = CLOSED): Breaker =>
  outcomes.reduce((breaker, outcome) => record(breaker, outcome, at(atMs)), from)
/** The one probe that the breaker lets through, sent and seen at this time. */
const probed = (breaker: Breaker, outcome: Outcome, atMs: number): Breaker =>
  record(begin(breaker, atMs), outcome, at(atMs))

const REFUSED = [fail('unreachable'), fail('unreachable'), fail('unreachable')]
const HUNG = [fail('timeout'), fail('timeout', 'b'), fail('timeout')]
const CUT = [first, broken(), first, broken('b'), first, broken()]
const PATCHY = [1, 2, 3].flatMap(() => [first, fail('server_error'), first, fail('server_error', 'b')])

describe('once open', () => {
  const open = after(REFUSED)

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

  test('the first token of a probe closes it, with no memory of the failures before one', () => {
    expect(probed(open, first, 2050)).toMatchObject({ kind: 'closed', failures: [], recent: [] })
    expect(after(REFUSED.slice(1), 2100, probed(open, first, 2050)).kind).toBe('closed')
  })

  test('the end of an older answer does not close it: it may be finishing those and refuse new ones', () => {
    const probing = begin(open, 2000)
    expect(record(probing, whole, { askedAtMs: -9000, atMs: 2100 })).toBe(probing)
  })

  test('a request before its time is not taken for a probe', () => {
    expect(begin(open, 100)).toBe(open)
  })

  test('stragglers and last resorts that fail change nothing', () => {
    expect(record(open, fail('timeout', 'b'), { askedAtMs: -9000, atMs: 100 })).toBe(open)
    expect(record(open, fail('timeout', 'b'), at(100))).toBe(open)
    const probing = begin(open, 2000)
    expect(record(probing, fail('timeout', 'b'), { askedAtMs: -9000, atMs: 2100 })).toBe(probing)
    expect(record(probing, broken(), at(2100))).toBe(probing)
  })

  test('a first token seen before it opened says nothing', () => {
    expect(record(open, first, { askedAtMs: -90, atMs: -10 })).toBe(open)
  })

  test.each<[string, readonly Outcome[], Outcome, boolean]>([
    ['refused, a first token', REFUSED, first, true],
    ['hung, a first token', HUNG, first, true],
    ['hung, the end of an older answer', HUNG, whole, false],
    ['cut off, a first token', CUT, first, false],
    ['cut off, the end of an answer', CUT, whole, true],
    ['failed now and then, a first token', PATCHY, first, false],
    ['failed now and then, the end of an answer', PATCHY, whole, false],
  ])('what lets a probe through at once, where it %s', (_name, outcomes, success, isLetThrough) => {
    const breaker = record(after(outcomes), success, at(100))
    expect(breaker.kind).toBe('open')
    expect(mayDispatch(breaker, 100)).toBe(isLetThrough)
  })

  test('who only hears of probes that others make takes what comes in time for theirs', () => {
    expect(record(open, first, { askedAtMs: 2000, atMs: 2050 }).kind).toBe('closed')
    const again = record(open, fail('unreachable'), { askedAtMs: 2000, atMs: 2050 })
    expect(again).toMatchObject({ kind: 'open', sinceMs: 2050, openMs: 4000 })
    // Two observers that probed at the same time count as one.
    expect(record(again, fail('unreachable'), { askedAtMs: 2001, atMs: 2060 })).toBe(again)
  })
})

describe('open times', () => {
  test.each<[string, readonly Outcome[], FailureKind, number[]]>([
    ['of a pool that refuses connections', REFUSED, 'unreachable', [4000, 4000, 4000, 4000]],
    [
      'of a pool that sends us elsewhere',
      [1, 2, 3].map(() => fail('redirect')),
      'redirect',
      [4000, 4000, 4000, 4000],
    ],
    ['of a pool that hangs', HUNG, 'timeout', [4000, 8000, 16_000, 32_000, 60_000, 60_000]],
    ['of a pool that hung and now fails', HUNG, 'server_error', [4000, 4000, 4000, 4000]],
  ])('%s double while probes fail', (_name, outcomes, kind, expected) => {
    let breaker = after(outcomes)
    expect(retryAfterMs(breaker, 0)).toBe(2000)
    const waits: number[] = []
    for (let nowMs = 2000; waits.length < expected.length; nowMs += retryAfterMs(breaker, nowMs)) {
      breaker = probed(breaker, fail(kind), nowMs)
      waits.push(retryAfterMs(breaker, nowMs))
    }
    expect(waits).toEqual(expected)
  })

  test('are short again once connections are refused where the pool hung before', () => {
    const hanging = [2000, 6000, 14_000].reduce(
      (breaker, nowMs) => probed(breaker, fail('timeout'), nowMs),
      after(HUNG),
    )
    expect(retryAfterMs(hanging, 14_000)).toBe(16_000)
    expect(retryAfterMs(probed(hanging, fail('unreachable'), 30_000), 30_000)).toBe(4000)
  })

  test('go on doubling where a pool is left for the same cause within a minute', () => {
    const closed = probed(after(HUNG), first, 2000)
    expect(retryAfterMs(after(HUNG, 61_999, closed), 61_999)).toBe(4000)
    expect(retryAfterMs(after(HUNG, 62_000, closed), 62_000)).toBe(2000)
    expect(retryAfterMs(after(CUT, 5000, closed), 5000)).toBe(2000)
  })
})

describe('a pool that dies in mid-stream', () => {
  test('is left after three deaths of two keys, although each answer begins', () => {
    expect(after(CUT)).toMatchObject({ kind: 'open', cause: 'breaking_off', answers: true })
  })

  test('is taken back at a first token, and left at the next death for twice as long', () => {
    const back = record(begin(after(CUT), 2000), first, { askedAtMs: 2000, atMs: 2040 })
    expect(back.kind).toBe('closed')
    expect(record(back, broken(), { askedAtMs: 2000, atMs: 2500 })).toMatchObject({
      kind: 'open',
      openMs: 4000,
    })
  })

  test('is trusted again once an answer came to its end', () => {
    const back = record(probed(after(CUT), first, 2000), whole, { askedAtMs: 2000, atMs: 2500 })
    expect(after([first, broken(), first, broken('b')], 3000, back).kind).toBe('closed')
  })

  test('and is then dead is left like any that refuses connections, and taken back without reserve', () => {
    const dead = probed(after(CUT), fail('unreachable'), 2000)
    expect(dead).toMatchObject({ cause: 'unreachable', openMs: 4000, failures: [] })
    expect(probed(dead, first, 6000)).toMatchObject({ kind: 'closed', failures: [] })
  })
})

test('failures of requests sent before it opened are not held against a pool that is back', () => {
  const back = record(begin(after(HUNG), 2000), first, { askedAtMs: 2000, atMs: 2100 })
  const stragglers = HUNG.reduce(
    (breaker, failure) => record(breaker, failure, { askedAtMs: 1000, atMs: 2200 }),
    back,
  )
  expect(stragglers).toBe(back)
  expect(after(HUNG, 2200, back).kind).toBe('open')
})

test('a pool that fails every other request is left, although a first token comes between', () => {
  expect(after(PATCHY)).toMatchObject({ kind: 'open', cause: 'outlier', answers: true })
})

describe('a health probe', () => {
  const open = after(REFUSED)

  test('that finds it alive lets one request through now', () => {
    const alive = recordProbe(open, true, 500)
    expect(mayDispatch(alive, 500)).toBe(true)
    expect(mayDispatch(begin(alive, 500), 501)).toBe(false)
  })

  test('that does not keeps clients from trying, for a minute at most', () => {
    const dead = Array.from({ length: 70 }, (_, n) => (n + 1) * 1000).reduce(
      (breaker, nowMs) => recordProbe(breaker, false, nowMs),
      open,
    )
    expect(retryAfterMs(recordProbe(open, false, 1500), 1500)).toBe(4000)
    expect([mayDispatch(dead, 59_999), mayDispatch(dead, 60_000)]).toEqual([false, true])
  })

  test('that is older than what is known changes nothing', () => {
    const dead = recordProbe(open, false, 1500)
    expect(recordProbe(dead, true, 1500)).toBe(dead)
    expect(recordProbe(after(REFUSED, 2000), true, 1900)).toEqual(after(REFUSED, 2000))
  })

  test.each<[string, Breaker]>([
    ['closed', CLOSED],
    ['open because it hangs', after(HUNG)],
    ['open because it sends us elsewhere', after([1, 2, 3].map(() => fail('redirect')))],
    ['trying one already', begin(open, 2000)],
  ])('says nothing of a breaker that is %s', (_name, breaker) => {
    expect(recordProbe(breaker, true, 3000)).toBe(breaker)
    expect(recordProbe(breaker, false, 3000)).toBe(breaker)
  })

  test('a killed pool that comes back is tried within five seconds, even with no health probe', () => {
    let breaker = after(REFUSED)
    for (let nowMs = 2000; nowMs < 100_000; nowMs += retryAfterMs(breaker, nowMs)) {
      breaker = probed(breaker, fail('unreachable'), nowMs)
      expect(retryAfterMs(breaker, nowMs)).toBeLessThan(5000)
    }
  })
})

describe('merging what the region knows', () => {
  const openAt = (atMs: number): Breaker => after(REFUSED, atMs)
  const closedAt = (atMs: number): Breaker => probed(openAt(atMs - 2000), first, atMs)

  test.each<[string, Breaker, Breaker, 'own' | 'regions']>([
    ['others saw it fail: it is left', CLOSED, openAt(1000), 'regions'],
    ['it was taken back here since: it stays', closedAt(9000), openAt(7000), 'own'],
    ['it was taken back here, then failed for others', closedAt(9000), openAt(9500), 'regions'],
    ['it failed here after others took it back', openAt(9500), closedAt(9000), 'own'],
    ['others took it back after it failed here', openAt(7000), closedAt(9500), 'regions'],
    ['a probe is on its way from here', begin(openAt(6000), 8500), openAt(6000), 'own'],
    [
      'a probe is on its way from here, others know already',
      begin(openAt(6000), 8500),
      closedAt(9000),
      'regions',
    ],
    ['others wait for a probe, we may send our own', openAt(6000), begin(openAt(6000), 8500), 'own'],
    ['both opened it, the region later', openAt(8000), openAt(8500), 'regions'],
    ['both opened it, the region earlier', openAt(8500), openAt(8000), 'own'],
    ['it gave us a first token since', after([first], 9000), openAt(8000), 'own'],
    ['it gave us a first token before', after([first], 7000), openAt(8000), 'regions'],
    [
      'a first token since means nothing where streams are cut',
      after([first], 9000),
      after(CUT, 8000),
      'regions',
    ],
  ])('%s', (_name, own, regions, held) => {
    expect(mergeBreakers(own, regions, 9600)).toEqual(held === 'own' ? own : regions)
  })

  test('of two closed ones, the own evidence holds with the latest ejection of which it is known', () => {
    const own = after([first, fail('server_error')], 5000)
    const merged = mergeBreakers(own, closedAt(9000), 9600)
    expect(merged).toEqual({
      ...own,
      ended: { atMs: 9000, cause: 'unreachable', openMs: 2000, countsFromMs: 9000 },
    })
    expect(mergeBreakers(merged, openAt(8000), 9600)).toBe(merged)
  })

  test('the newest health probe counts, whoever opened it when', () => {
    const alive = recordProbe(openAt(7000), true, 9000)
    expect(mayDispatch(mergeBreakers(openAt(8500), alive, 9600), 9600)).toBe(true)
    expect(mayDispatch(mergeBreakers(openAt(9200), alive, 9600), 9600)).toBe(false)
    const dead = recordProbe(openAt(7000), false, 9000)
    expect(retryAfterMs(mergeBreakers(openAt(7000), dead, 9600), 9600)).toBe(3400)
  })

  test('a clock that is ahead keeps nobody away for longer than a minute', () => {
    expect(retryAfterMs(mergeBreakers(CLOSED, openAt(9_000_000), 9600), 9600)).toBe(60_000)
    const probing = begin(openAt(9_000_000), 9_100_000)
    expect(retryAfterMs(mergeBreakers(CLOSED, probing, 9600), 9600)).toBe(30_000)
  })
})
