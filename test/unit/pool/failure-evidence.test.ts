import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Conclusion, Evidence, Failure, Outcome } from '../../../shared/pool/failure-evidence.ts'
import { NO_EVIDENCE, conclude, weigh } from '../../../shared/pool/failure-evidence.ts'

const fail = (kind: Failure['kind'], key = 'a'): Failure => ({ kind, key, sawFirstToken: false })
const broken = (key = 'a', kind: Failure['kind'] = 'server_error'): Failure => ({
  kind,
  key,
  sawFirstToken: true,
})
const first = 'first_token' as const
const whole = 'completed' as const

const afterAll = (outcomes: readonly Outcome[]): Evidence => outcomes.reduce(weigh, NO_EVIDENCE)
const causeAfter = (outcomes: readonly Outcome[]): Conclusion['cause'] | undefined =>
  conclude(afterAll(outcomes))?.cause
const times = (count: number, outcomes: readonly Outcome[]): Outcome[] => Array(count).fill(outcomes).flat()

describe('in a row, before a first token', () => {
  test.each<[string, readonly Outcome[], Conclusion['cause'] | undefined]>([
    ['two failures', [fail('unreachable'), fail('unreachable')], undefined],
    ['three times not reached', times(3, [fail('unreachable')]), 'unreachable'],
    ['three redirects', times(3, [fail('redirect')]), 'redirect'],
    ['redirects and not reached', [fail('redirect'), fail('unreachable'), fail('redirect')], 'redirect'],
    ['three errors for one key', times(3, [fail('server_error')]), undefined],
    ['three timeouts for one key', times(3, [fail('timeout')]), undefined],
    [
      'one error among not reached, one key',
      [fail('unreachable'), fail('server_error'), fail('unreachable')],
      undefined,
    ],
    [
      'three errors for two keys',
      [fail('server_error'), fail('server_error', 'b'), fail('server_error')],
      'failing',
    ],
    ['errors for one key, then another', [...times(4, [fail('timeout')]), fail('timeout', 'b')], 'failing'],
    [
      'a first token in between',
      [fail('unreachable'), fail('unreachable'), first, fail('unreachable')],
      undefined,
    ],
    [
      'only the end of an older answer in between',
      [fail('unreachable'), fail('unreachable'), whole, fail('unreachable')],
      'unreachable',
    ],
    [
      'three times not reached after errors',
      [fail('server_error'), ...times(3, [fail('unreachable')])],
      'unreachable',
    ],
  ])('%s: %s is right', (_name, outcomes, cause) => {
    expect(causeAfter(outcomes)).toBe(cause)
  })
})

describe('in mid-stream', () => {
  test.each<[string, readonly Outcome[], Conclusion['cause'] | undefined]>([
    [
      'three deaths of two keys, each after a first token',
      [first, broken(), first, broken('b'), first, broken()],
      'breaking_off',
    ],
    ['two deaths', [first, broken(), first, broken('b'), first], undefined],
    ['three deaths of one key', times(3, [first, broken()]), undefined],
    ['a whole answer in between', [broken(), broken('b'), whole, broken()], undefined],
    [
      'errors in between do not push them out',
      [broken(), broken('b'), ...times(3, [fail('timeout')]), first, broken()],
      'breaking_off',
    ],
    [
      'a connection lost in mid-stream is not one that was refused',
      times(3, [broken('a', 'unreachable')]),
      undefined,
    ],
    ['two deaths and an early error are no row', [broken(), broken('b'), fail('server_error')], undefined],
  ])('%s: %s is right', (_name, outcomes, cause) => {
    expect(causeAfter(outcomes)).toBe(cause)
  })

  test('a pool of long streams is not left for a few early errors among many first tokens', () => {
    const stretch = [first, fail('server_error'), first, first, fail('timeout', 'b'), first, first]
    const evidence = times(50, stretch).reduce<Evidence[]>(
      (all, outcome) => [...all, weigh(all.at(-1) ?? NO_EVIDENCE, outcome)],
      [],
    )
    expect(evidence.map(conclude).filter((conclusion) => conclusion !== undefined)).toEqual([])
  })
})

describe('by its share of failures', () => {
  const everyOther = [first, fail('server_error'), first, fail('server_error', 'b')]

  test.each<[string, readonly Outcome[], Conclusion | undefined]>([
    [
      'every other request of ten',
      [...times(2, everyOther), first, fail('timeout')],
      { cause: 'outlier', answers: true },
    ],
    ['every other request of eight', times(2, everyOther), undefined],
    ['every other request of one key', times(10, [first, fail('server_error')]), undefined],
    [
      'every other request not reached, of one key',
      times(5, [first, fail('unreachable')]),
      { cause: 'outlier', answers: true },
    ],
    [
      'every third',
      times(7, [first, first, fail('server_error'), first, first, fail('server_error', 'b')]),
      undefined,
    ],
    [
      'a bad time that twenty requests have passed since',
      [...times(2, everyOther), ...times(20, [first])],
      undefined,
    ],
    [
      'a bad time of which not enough has passed',
      [...times(20, [first]), ...times(4, everyOther)],
      undefined,
    ],
    [
      'half of the last twenty',
      [...times(20, [first]), ...times(5, everyOther)],
      { cause: 'outlier', answers: true },
    ],
    [
      'streams of which two in three die, with whole ones in between',
      times(5, [first, first, first, broken(), broken('b'), whole]),
      { cause: 'outlier', answers: true },
    ],
  ])('%s: %s is right', (_name, outcomes, conclusion) => {
    expect(conclude(afterAll(outcomes))).toEqual(conclusion)
  })

  test('a stream that dies counts once, as a failure', () => {
    expect(afterAll([first, first, broken()]).recent).toEqual(['well', broken()])
  })
})

test.each<[string, readonly Failure[], boolean]>([
  ['errors only', [fail('server_error'), fail('server_error', 'b'), fail('server_error')], true],
  ['a silence among errors', [fail('server_error'), fail('timeout', 'b'), fail('server_error')], false],
  ['not reached', times(3, [fail('unreachable')]) as Failure[], false],
  ['streams cut off', [broken(), broken('b'), broken()], true],
])('whether the pool still answers is remembered: %s', (_name, failures, answers) => {
  expect(conclude(afterAll(failures))).toMatchObject({ answers })
})

const failure = (keys: readonly string[], kinds: readonly Failure['kind'][]): fc.Arbitrary<Failure> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    key: fc.constantFrom(...keys),
    sawFirstToken: fc.boolean(),
  })
const KINDS = ['server_error', 'timeout', 'unreachable', 'redirect'] as const

test('one key alone can never bring a pool down by what its requests contain', () => {
  const outcome = fc.oneof(
    fc.constant(first),
    fc.constant(whole),
    failure(['a'], ['server_error', 'timeout']),
  )
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 80 }), (outcomes) => {
      expect(causeAfter(outcomes)).toBeUndefined()
    }),
  )
})

test('what is kept is bounded, and the same after a journey as JSON', () => {
  const outcome = fc.oneof(fc.constant(first), fc.constant(whole), failure(['a', 'b', 'c'], KINDS))
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 120 }), (outcomes) => {
      const evidence = afterAll(outcomes)
      expect(evidence.failures.length).toBeLessThanOrEqual(6)
      expect(evidence.recent.length).toBeLessThanOrEqual(20)
      expect(JSON.parse(JSON.stringify(evidence))).toEqual(evidence)
    }),
  )
})

test('a pool that failed at most two in a row, and fewer than half, is kept', () => {
  const stretch = fc
    .tuple(fc.array(failure(['a', 'b'], KINDS), { maxLength: 2 }), fc.nat(5))
    .map(([failures, more]): Outcome[] => [
      ...failures.flatMap((one) => (one.sawFirstToken ? [first, one] : [one])),
      // A dispatch that went well for each that did not, and one more.
      ...times(failures.length + 1 + more, [first, whole]),
    ])
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 30 }), (stretches) => {
      const outcomes = [...times(20, [first, whole]), ...stretches.flat()]
      expect(causeAfter(outcomes)).toBeUndefined()
    }),
  )
})
