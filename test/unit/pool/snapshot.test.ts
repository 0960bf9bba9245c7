import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Observation } from '../../../shared/pool/observation.ts'
import { UNMEASURED } from '../../../shared/pool/pool-measures.ts'
import type { DispatchEnd, PoolState } from '../../../shared/pool/snapshot.ts'
import { UNKNOWN_POOL, onDispatch, onLeft, onObservation, onShared } from '../../../shared/pool/snapshot.ts'

const key = 'a'
const sent = (atMs: number, uncachedTokens = 100) => ({ key, atMs, uncachedTokens })
const before = (askedAtMs: number, uncachedTokens = 100): DispatchEnd => ({
  ...sent(askedAtMs, uncachedTokens),
  sawFirstToken: false,
})
const streaming = (askedAtMs: number): DispatchEnd => ({ ...before(askedAtMs), sawFirstToken: true })
const seen = (askedAtMs: number, atMs: number) => ({ pool: 'p', askedAtMs, atMs })
const firstToken = (askedAtMs: number, atMs: number): Observation => ({
  ...seen(askedAtMs, atMs),
  kind: 'first_token',
  key,
  ttftMs: atMs - askedAtMs,
  queueMs: 0,
  uncachedTokens: 100,
  predictedMs: 40,
})
const served = (askedAtMs: number, atMs: number): Observation => ({
  ...seen(askedAtMs, atMs),
  kind: 'served',
  model: 'm',
  promptBytes: 400,
  ttftMs: 40,
  decodeMs: atMs - askedAtMs - 40,
})
const failed = (askedAtMs: number, atMs: number, sawFirstToken = false): Observation => ({
  ...seen(askedAtMs, atMs),
  kind: 'failed',
  failure: 'unreachable',
  key,
  sawFirstToken,
})
const saturated = (askedAtMs: number, atMs: number): Observation => ({
  ...seen(askedAtMs, atMs),
  kind: 'saturated',
  status: 503,
  key,
})

test('a dispatch that goes well leaves a measurement and nothing pending', () => {
  const asked = onDispatch(UNKNOWN_POOL, sent(100))
  expect(asked).toMatchObject({
    pending: 1,
    waiting: 1,
    waitingTokens: 100,
    waitingSinceMs: 100,
    lastDispatchAtMs: 100,
    sent: [{ atMs: 100, tokens: 100 }],
  })
  const begun = onObservation(asked, firstToken(100, 140), before(100))
  expect(begun).toMatchObject({
    pending: 1,
    waiting: 0,
    waitingTokens: 0,
    measures: { prefill: { levelMs: 30 } },
  })
  expect(begun).not.toHaveProperty('waitingSinceMs')
  expect(onObservation(begun, served(100, 900), streaming(100))).toMatchObject({ pending: 0, waiting: 0 })
})

test('the wait counts from the oldest dispatch, and anew from each sign of life', () => {
  const both = onDispatch(onDispatch(UNKNOWN_POOL, sent(100, 30)), sent(150, 50))
  expect(both).toMatchObject({ waiting: 2, waitingTokens: 80, waitingSinceMs: 100 })
  const one = onObservation(both, firstToken(100, 170), before(100, 30))
  expect(one).toMatchObject({ waiting: 1, waitingTokens: 50, waitingSinceMs: 170 })
})

test.each<[string, (state: PoolState) => PoolState]>([
  ['by its client', (state) => onLeft(state, before(0), 10)],
  ['by failure', (state) => onObservation(state, failed(0, 10), before(0))],
  ['by saturation', (state) => onObservation(state, saturated(0, 10), before(0))],
])(
  'a dispatch that ends before its first token %s leaves nothing pending and measures nothing',
  (_name, end) => {
    const state = end(onDispatch(UNKNOWN_POOL, sent(0)))
    expect(state).toMatchObject({ pending: 0, waiting: 0, waitingTokens: 0 })
    expect(state.measures).not.toHaveProperty('prefill')
  },
)

test('a client that leaves frees the probe of a half-open breaker, unless its answer had begun', () => {
  const down = [0, 1, 2].reduce(
    (state, atMs) => onObservation(onDispatch(state, sent(atMs)), failed(atMs, atMs + 1), before(atMs)),
    UNKNOWN_POOL,
  )
  const probing = onDispatch(down, sent(3000))
  expect(probing.measures.breaker).toMatchObject({ kind: 'half_open', probeUntilMs: 33_000 })
  expect(onLeft(probing, before(3000), 3010).measures.breaker).not.toHaveProperty('probeUntilMs')
  expect(onLeft(probing, streaming(3000), 3010).measures).toBe(probing.measures)
})

describe('what was sent', () => {
  test('is remembered for ten seconds', () => {
    const state = onDispatch(onDispatch(UNKNOWN_POOL, sent(0)), sent(10_000))
    expect(state.sent).toEqual([{ atMs: 10_000, tokens: 100 }])
  })

  test('is bounded, however much it is', () => {
    let state = UNKNOWN_POOL
    for (let atMs = 0; atMs < 500; atMs += 1) state = onDispatch(state, sent(atMs))
    expect(state.sent).toHaveLength(128)
    expect(state.sent[0]?.atMs).toBe(372)
    expect(state.pending).toBe(500)
  })
})

test('what the region knows is taken over, with the time at which it was known', () => {
  const begun = onObservation(onDispatch(UNKNOWN_POOL, sent(0)), firstToken(0, 40), before(0))
  const shared = { measures: begun.measures, inFlight: 7, tokensPerSecond: 90, isDrained: true }
  const state = onShared(UNKNOWN_POOL, shared, 1000, 1200)
  expect(state.shared).toEqual({ ...shared, atMs: 1000 })
  expect(state.measures.prefill).toEqual(begun.measures.prefill)
  expect(onShared(begun, { ...shared, measures: UNMEASURED }, 1000, 1200)).toMatchObject({
    pending: 1,
    measures: begun.measures,
  })
})

test('whatever the order of events, counts match the dispatches that are under way', () => {
  const step = fc.tuple(
    fc.constantFrom('dispatch', 'begin', 'serve', 'fail', 'saturate', 'leave'),
    fc.nat(50),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let state = UNKNOWN_POOL
      let nowMs = 0
      const underWay: { askedAtMs: number; tokens: number; begun: boolean }[] = []
      for (const [kind, choice] of steps) {
        nowMs += 10
        const one = underWay[choice % Math.max(1, underWay.length)]
        if (kind === 'dispatch' || one === undefined) {
          state = onDispatch(state, sent(nowMs, choice))
          underWay.push({ askedAtMs: nowMs, tokens: choice, begun: false })
        } else if (kind === 'begin' && !one.begun) {
          state = onObservation(state, firstToken(one.askedAtMs, nowMs), before(one.askedAtMs, one.tokens))
          one.begun = true
        } else {
          const end = { ...before(one.askedAtMs, one.tokens), sawFirstToken: one.begun }
          if (kind === 'leave') state = onLeft(state, end, nowMs)
          else if (kind === 'fail') state = onObservation(state, failed(one.askedAtMs, nowMs, one.begun), end)
          else if (one.begun) state = onObservation(state, served(one.askedAtMs, nowMs), end)
          else state = onObservation(state, saturated(one.askedAtMs, nowMs), end)
          underWay.splice(underWay.indexOf(one), 1)
        }
        const waiting = underWay.filter(({ begun }) => !begun)
        const waitingTokens = waiting.reduce((sum, { tokens }) => sum + tokens, 0)
        expect(state).toMatchObject({ pending: underWay.length, waiting: waiting.length, waitingTokens })
        expect(state.waitingSinceMs !== undefined).toBe(waiting.length > 0)
      }
    }),
  )
})
