/** What a pool's monitor tells: sums of what regions say, and what the pool said, each while it is good for anything. */
import { expect, test } from 'vitest'
import { createPoolView, hearShare, keepLoad, statusOf } from '../../../shared/monitor/pool-view.ts'

const T0 = 1_000_000

test('adds up what the regions have there', () => {
  const view = createPoolView(false)
  hearShare(view, { region: 'eu', inFlight: 3, tokensPerSecond: 100 }, T0)
  hearShare(view, { region: 'us', inFlight: 2, tokensPerSecond: 50 }, T0 + 500)
  expect(statusOf(view, T0 + 1_000)).toEqual({ inFlight: 5, tokensPerSecond: 150, isDrained: false })
})

test('what a region says replaces what it said before', () => {
  const view = createPoolView(false)
  hearShare(view, { region: 'eu', inFlight: 3, tokensPerSecond: 100 }, T0)
  hearShare(view, { region: 'eu', inFlight: 1, tokensPerSecond: 0 }, T0 + 1_000)
  expect(statusOf(view, T0 + 1_000)).toMatchObject({ inFlight: 1, tokensPerSecond: 0 })
})

test('a region that has said nothing for more than ten seconds does not count', () => {
  const view = createPoolView(false)
  hearShare(view, { region: 'eu', inFlight: 3, tokensPerSecond: 100 }, T0)
  hearShare(view, { region: 'us', inFlight: 2, tokensPerSecond: 50 }, T0 + 5_000)
  expect(statusOf(view, T0 + 10_000).inFlight).toBe(5)
  expect(statusOf(view, T0 + 10_001).inFlight).toBe(2)
})

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('%s in flight is none', (figure) => {
  const view = createPoolView(false)
  hearShare(view, { region: 'eu', inFlight: figure, tokensPerSecond: figure }, T0)
  expect(statusOf(view, T0)).toMatchObject({ inFlight: 0, tokensPerSecond: 0 })
})

test('a load is passed on for ten seconds; then it is absent, which is not zero', () => {
  const view = createPoolView(false)
  const load = { running: 3, waiting: 0, atMs: T0 }
  keepLoad(view, load)
  expect(statusOf(view, T0 + 10_000).load).toEqual(load)
  expect(statusOf(view, T0 + 10_001)).not.toHaveProperty('load')
})

test('an answer that was overtaken by a newer one is dropped', () => {
  const view = createPoolView(false)
  keepLoad(view, { running: 3, atMs: T0 + 1_000 })
  keepLoad(view, { running: 9, atMs: T0 })
  expect(statusOf(view, T0 + 1_000).load).toEqual({ running: 3, atMs: T0 + 1_000 })
})

test('says that it is drained as long as it is', () => {
  const view = createPoolView(true)
  expect(statusOf(view, T0 + 3_600_000).isDrained).toBe(true)
  view.isDrained = false
  expect(statusOf(view, T0).isDrained).toBe(false)
})
