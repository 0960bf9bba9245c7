import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PoolState } from '../../../shared/pool/snapshot.ts'
import {
  UNKNOWN_POOL,
  onDispatch,
  onEnd,
  onFailure,
  onFirstToken,
  onSaturated,
} from '../../../shared/pool/snapshot.ts'

const key = 'a'
const before = { sawFirstToken: false }
const streaming = { sawFirstToken: true }

test('a dispatch that goes well leaves a measurement and nothing pending', () => {
  const sent = onDispatch(UNKNOWN_POOL, 100)
  expect(sent).toMatchObject({ pending: 1, waiting: 1, waitingSinceMs: 100, lastDispatchAtMs: 100 })
  const begun = onFirstToken(sent, 40, 140)
  expect(begun).toMatchObject({ pending: 1, waiting: 0, latency: { costMs: 40 } })
  expect(begun).not.toHaveProperty('waitingSinceMs')
  expect(onEnd(begun, streaming, 900)).toMatchObject({ pending: 0, waiting: 0, latency: { costMs: 40 } })
})

test('the wait counts from the oldest dispatch, and anew from each sign of life', () => {
  const both = onDispatch(onDispatch(UNKNOWN_POOL, 100), 150)
  expect(both).toMatchObject({ waiting: 2, waitingSinceMs: 100 })
  expect(onFirstToken(both, 70, 170)).toMatchObject({ waiting: 1, waitingSinceMs: 170 })
})

describe('a dispatch that ends before its first token', () => {
  const sent = onDispatch(UNKNOWN_POOL, 0)

  test.each<[string, PoolState]>([
    ['by its client', onEnd(sent, before, 10)],
    ['by failure', onFailure(sent, { kind: 'server_error', key, ...before }, 10)],
    ['by saturation', onSaturated(sent, { status: 429, key }, 10)],
  ])('%s leaves nothing pending and measures nothing', (_name, state) => {
    expect(state).toMatchObject({ pending: 0, waiting: 0 })
    expect(state).not.toHaveProperty('latency')
  })

  test('in a timeout shows that the pool takes at least that long', () => {
    const state = onFailure(sent, { kind: 'timeout', key, ...before, waitedMs: 30_000 }, 30_000)
    expect(state.latency).toMatchObject({ costMs: 30_000 })
  })

  test('in a timeout that does not say how long it was counts from the last sign of life', () => {
    const two = onFirstToken(onDispatch(sent, 100), 50, 5000)
    expect(onFailure(two, { kind: 'timeout', key, ...before }, 30_000).latency).toMatchObject({ costMs: 150 })
    expect(onFailure(sent, { kind: 'timeout', key, ...before }, 30_000).latency).toMatchObject({
      costMs: 30_000,
    })
  })

  test('in a short timeout never makes the pool look faster', () => {
    const measured = onFirstToken(sent, 500, 500)
    const again = onDispatch(onEnd(measured, streaming, 600), 60_000)
    const state = onFailure(again, { kind: 'timeout', key, ...before, waitedMs: 100 }, 60_100)
    expect(state.latency).toMatchObject({ costMs: 500 })
  })

  test('with a refusal of its content frees the probe of a half-open breaker', () => {
    const down = [1, 2, 3].reduce(
      (state) => onFailure(onDispatch(state, 0), { kind: 'unreachable', key, ...before }, 0),
      UNKNOWN_POOL,
    )
    const probing = onDispatch(down, 2000)
    expect(probing.breaker).toMatchObject({ kind: 'half_open', probeUntilMs: 32_000 })
    expect(onEnd(probing, before, 2010).breaker).not.toHaveProperty('probeUntilMs')
    expect(onSaturated(probing, { status: 503, key }, 2010).breaker).not.toHaveProperty('probeUntilMs')
  })
})

test('a failure in mid-stream counts against the pool, but not as a wait', () => {
  const begun = onFirstToken(onDispatch(UNKNOWN_POOL, 0), 40, 40)
  const state = onFailure(onDispatch(begun, 50), { kind: 'timeout', key, ...streaming, waitedMs: 9 }, 60)
  expect(state).toMatchObject({ pending: 1, waiting: 1, latency: { costMs: 40 } })
  expect(state.breaker).toEqual({ kind: 'closed', failures: [{ kind: 'timeout', key }] })
})

test('whatever the order of events, counts match the dispatches that are under way', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(50)), { maxLength: 80 }), (steps) => {
      let state = UNKNOWN_POOL
      let nowMs = 0
      const underWay: { begun: boolean }[] = []
      for (const [step, pick] of steps) {
        nowMs += 10
        const one = underWay[pick % Math.max(1, underWay.length)]
        if (step === 0 || one === undefined) {
          state = onDispatch(state, nowMs)
          underWay.push({ begun: false })
        } else if (step === 1 && !one.begun) {
          state = onFirstToken(state, 5, nowMs)
          one.begun = true
        } else {
          state = onEnd(state, { sawFirstToken: one.begun }, nowMs)
          underWay.splice(underWay.indexOf(one), 1)
        }
        const waiting = underWay.filter(({ begun }) => !begun).length
        expect(state).toMatchObject({ pending: underWay.length, waiting })
        expect(state.waitingSinceMs !== undefined).toBe(waiting > 0)
      }
    }),
  )
})
