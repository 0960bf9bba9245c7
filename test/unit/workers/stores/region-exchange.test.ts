/** Exchanges with the region's monitor: one at a time, behind requests, and harmless when they fail. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RegionSnapshot } from '../../../../shared/pool/region-snapshot.ts'
import { aSnapshot, anExchange } from './an-exchange.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('telling', () => {
  test('happens at the first request, and then every two seconds while there is news', async () => {
    const { reports, view, refresh, pass } = anExchange()
    for (let ms = 0; ms < 6_000; ms += 100) {
      view.see()
      refresh()
      await pass(100)
    }
    expect(reports).toHaveLength(3)
    expect(reports.map(({ inFlight }) => inFlight['near'])).toEqual([1, 20, 20])
    expect(view.accepted).toHaveLength(3)
  })

  test('is done by one request at a time', async () => {
    const answer = Promise.withResolvers<RegionSnapshot>()
    const { reports, view, refresh, background, pass } = anExchange({ monitor: () => answer.promise })
    view.see()
    refresh()
    await pass(100)
    for (let request = 0; request < 10; request += 1) {
      view.see()
      refresh()
    }
    await pass(1_000)
    expect(reports).toHaveLength(1)
    expect(background).toHaveLength(1)
  })

  test('of what was seen while an answer was awaited follows by itself', async () => {
    const { reports, view, refresh, background, pass } = anExchange()
    view.see()
    refresh()
    view.see()
    await pass(100)
    expect(reports).toHaveLength(1)
    view.see()
    refresh()
    await pass(2_000)
    expect(reports).toHaveLength(2)
    await pass(5_000)
    expect(reports).toHaveLength(2)
    expect(background).toHaveLength(1)
  })

  test('of an isolate that nobody asks again happens two seconds after it has seen something', async () => {
    const { reports, view, refresh, pass } = anExchange()
    refresh()
    await pass(300)
    view.see()
    refresh()
    await pass(1_600)
    expect(reports).toHaveLength(1)
    await pass(200)
    expect(reports.map(({ inFlight }) => inFlight['near'])).toEqual([0, 1])
  })

  test('goes on for twenty seconds at most behind one request', async () => {
    const { view, refresh, background, pass, reports } = anExchange()
    view.see()
    refresh()
    for (let ms = 0; ms < 22_500; ms += 100) {
      view.see()
      await pass(100)
    }
    await Promise.all(background)
    const told = reports.length
    await pass(5_000)
    expect(reports).toHaveLength(told)
    refresh()
    await pass(100)
    expect(reports).toHaveLength(told + 1)
  })

  test('never throws into a request, whatever happens', async () => {
    const { view, refresh, background } = anExchange({
      monitor: () => {
        throw new Error('no such object')
      },
    })
    view.see()
    refresh()
    expect(await Promise.all(background)).toEqual([undefined])
  })
})

describe('a report that did not arrive', () => {
  test('because the monitor failed is given back, and told after five seconds', async () => {
    let fails = true
    const { reports, view, refresh, runtime, pass } = anExchange({
      monitor: () => (fails ? Promise.reject(new Error('gone')) : Promise.resolve(aSnapshot(runtime.now()))),
    })
    view.see()
    refresh()
    await pass(100)
    expect(view.given).toHaveLength(1)
    fails = false
    for (let ms = 100; ms < 5_200; ms += 100) {
      refresh()
      await pass(100)
    }
    expect(reports).toHaveLength(2)
    expect(reports[1]?.inFlight).toEqual({ near: 1 })
    expect(view.hasNews()).toBe(false)
  })

  test('within two seconds is given back, and what comes later is not waited for', async () => {
    const { view, refresh, background, pass } = anExchange({ monitor: () => new Promise(() => undefined) })
    view.see()
    refresh()
    await pass(1_900)
    expect(view.given).toHaveLength(0)
    await pass(200)
    expect(view.given).toHaveLength(1)
    await Promise.all(background)
  })

  test('because its request ended without a word does not keep others from telling', async () => {
    const { view, refresh, background, runtime } = anExchange({ monitor: () => new Promise(() => undefined) })
    view.see()
    refresh()
    // Its timers never fire: so does work behind a request that the platform has ended.
    runtime.advance(3_400)
    view.see()
    refresh()
    expect(background).toHaveLength(1)
    runtime.advance(200)
    refresh()
    expect(background).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(0)
  })
})
