/** However many dispatches are under way, each is counted while it is, and no longer. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AnswerOutcome } from '../../../../shared/log/answer-facts.ts'
import type { DispatchWatch } from '../../../../workers/stages/watch-dispatch.ts'
import type { PoolId } from '../a-dispatch.ts'
import { aWatched, REFUSALS } from '../a-watched.ts'

const OUTCOMES = [
  'completed',
  'truncated',
  'upstream_error',
  'stalled',
  'timed_out',
  'client_cancelled',
] as const satisfies readonly AnswerOutcome[]

test('however dispatches overlap and end, none is counted twice and none for ever', () => {
  const end = fc.oneof(
    fc.record({ refused: fc.constantFrom(...REFUSALS) }),
    fc.record({ over: fc.constantFrom(...OUTCOMES) }),
  )
  const dispatch = fc.record({
    pool: fc.constantFrom<PoolId>('eu-central', 'us-east'),
    key: fc.constantFrom('a', 'b', 'c'),
    tokens: fc.nat(5000),
    end,
  })
  /** Each number takes one dispatch a step further: it is sent, its pool begins, it ends. */
  const order = fc.array(fc.record({ which: fc.nat(11), passMs: fc.nat(4000) }), { maxLength: 40 })
  fc.assert(
    fc.property(fc.array(dispatch, { minLength: 1, maxLength: 12 }), order, (dispatches, steps) => {
      const { watch, view, runtime, seen } = aWatched()
      const all = dispatches.map((one) => ({
        ...one,
        at: 'home',
        watch: undefined as DispatchWatch | undefined,
      }))
      function stepOn(one: (typeof all)[number]): void {
        if (one.at === 'over') return
        if (one.watch === undefined) {
          one.watch = watch({ pool: one.pool, key: one.key, parts: { promptTokens: one.tokens } })
          one.at = 'waiting'
        } else if ('refused' in one.end) {
          one.watch.refused(one.end.refused)
          one.at = 'over'
        } else if (one.at === 'waiting') {
          one.watch.began(5)
          one.at = 'begun'
        } else {
          one.watch.over(one.end.over)
          one.at = 'over'
        }
      }
      function check(): void {
        for (const [pool, state] of view.all) {
          const there = all.filter((one) => one.pool === pool && (one.at === 'waiting' || one.at === 'begun'))
          const waiting = there.filter(({ at }) => at === 'waiting')
          expect(state).toMatchObject({
            pending: there.length,
            waiting: waiting.length,
            waitingTokens: waiting.reduce((sum, { tokens }) => sum + tokens, 0),
          })
          expect(state.waitingSinceMs !== undefined).toBe(waiting.length > 0)
        }
      }
      for (const { which, passMs } of steps) {
        const one = all[which % all.length]
        if (one !== undefined) stepOn(one)
        runtime.advance(passMs)
        check()
      }
      for (const one of all) while (one.at !== 'over') stepOn(one)
      check()
      const ends = seen().filter(({ kind }) => kind !== 'first_token')
      const silent = all.filter(({ end: how }) =>
        'refused' in how
          ? how.refused.kind === 'final' || how.refused.kind === 'cancelled'
          : how.over === 'timed_out' || how.over === 'client_cancelled',
      )
      expect(ends).toHaveLength(all.length - silent.length)
    }),
  )
})
