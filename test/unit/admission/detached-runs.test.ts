import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  holdRun,
  releaseRun,
  type DetachedRun,
  type DetachedRuns,
} from '../../../shared/admission/detached-runs.ts'

const run = (name: string, untilMs = 100, keyId = 'k1'): DetachedRun => ({ keyId, run: name, untilMs })
const heldAfter = (...held: DetachedRun[]): DetachedRuns =>
  held.reduce<DetachedRuns>((runs, next) => holdRun(runs, next, 10, 0)[0], [])

test.each<[string, DetachedRuns, DetachedRun, number, number, boolean]>([
  ['the first of a key', [], run('a'), 1, 0, true],
  ['one where none may', [], run('a'), 0, 0, false],
  ['one more than may', heldAfter(run('a')), run('b'), 1, 0, false],
  ['the last that may', heldAfter(run('a')), run('b'), 2, 0, true],
  ['the same again', heldAfter(run('a')), run('a', 200), 1, 0, true],
  ['the same again where fewer may now', heldAfter(run('a'), run('b')), run('a', 200), 1, 0, true],
  ['one of another key', heldAfter(run('a')), run('b', 100, 'k2'), 1, 0, true],
  ['the same name under another key', heldAfter(run('a')), run('a', 100, 'k2'), 1, 0, true],
  ['one just before another ends', heldAfter(run('a')), run('b', 200), 1, 99, false],
  ['one as another ends', heldAfter(run('a')), run('b', 200), 1, 100, true],
])('%s: held or not, as it should be', (_name, runs, next, max, nowMs, isHeld) => {
  expect(holdRun(runs, next, max, nowMs)[1]).toBe(isHeld)
})

test('a run that is held again counts until the later of both times', () => {
  expect(holdRun(heldAfter(run('a', 100)), run('a', 50), 1, 0)[0]).toEqual([run('a', 100)])
  expect(holdRun(heldAfter(run('a', 100)), run('a', 150), 1, 0)[0]).toEqual([run('a', 150)])
})

test('a run that ended and is held again needs a place like any other', () => {
  const [runs] = holdRun(heldAfter(run('a', 100)), run('b', 300), 1, 150)
  expect(holdRun(runs, run('a', 300), 1, 150)).toEqual([[run('b', 300)], false])
})

test('releasing gives the place back, once, and of the right key', () => {
  const runs = heldAfter(run('a'), run('b'))
  expect(releaseRun(runs, { keyId: 'k1', run: 'a' })).toEqual([run('b')])
  expect(releaseRun(runs, { keyId: 'k2', run: 'a' })).toEqual(runs)
  expect(releaseRun([], { keyId: 'k1', run: 'a' })).toEqual([])
})

test('all keys together hold no more than 10 000', () => {
  const full = Array.from({ length: 10_000 }, (_, n) => run(`r${n}`, 100, `k${n}`))
  expect(holdRun(full, run('more', 100, 'k0'), 8, 0)[1]).toBe(false)
  expect(holdRun(full, run('more', 300, 'k0'), 8, 100)).toEqual([[run('more', 300, 'k0')], true])
})

/** Against a plain table of ends by key and run, which is asked by counting. */
test('whatever comes in whatever order, no key has more than it may, and none is refused that may', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const keyId = fc.constantFrom('k1', 'k2')
  const step = fc.oneof(
    {
      arbitrary: fc.record({ kind: fc.constant('hold' as const), keyId, name, forMs: fc.nat(50) }),
      weight: 4,
    },
    fc.record({ kind: fc.constant('release' as const), keyId, name }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(30) }),
  )
  let refused = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(4), (steps, max) => {
      let runs: DetachedRuns = []
      let nowMs = 0
      const ends = new Map<string, number>()
      const liveOf = (key: string): string[] =>
        [...ends].filter(([id, at]) => id.startsWith(key) && at > nowMs).map(([id]) => id)
      for (const next of steps) {
        if (next.kind === 'pass') {
          nowMs += next.ms
          continue
        }
        const id = `${next.keyId}/${next.name}`
        if (next.kind === 'release') {
          runs = releaseRun(runs, { keyId: next.keyId, run: next.name })
          ends.delete(id)
          continue
        }
        const untilMs = nowMs + next.forMs
        const live = liveOf(next.keyId)
        const mayHold = live.includes(id) || live.length < max
        const [after, isHeld] = holdRun(runs, run(next.name, untilMs, next.keyId), max, nowMs)
        runs = after
        expect(isHeld).toBe(mayHold)
        if (mayHold) ends.set(id, Math.max(live.includes(id) ? (ends.get(id) ?? 0) : 0, untilMs))
        else refused += 1
        expect(liveOf(next.keyId).length).toBeLessThanOrEqual(max)
        expect(runs.filter((each) => each.untilMs > nowMs)).toHaveLength(liveOf('').length)
        // Nothing that has ended is kept, but for what was held for no time at all.
        expect(runs.length).toBeLessThanOrEqual(2 * max + 1)
      }
    }),
    { numRuns: 500 },
  )
  expect(refused).toBeGreaterThan(200)
})
