/** What isolates of a data centre leave each other: it spares the monitor questions, and a fresh isolate a cold start. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { aFakeCache } from './a-fake-cache.ts'
import { aSnapshot, anExchange, HOST, leaveIn, type IsolateView } from './an-exchange.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('an isolate without news', () => {
  test('takes what another has left, if that is young, and does not ask', async () => {
    const { cache } = aFakeCache()
    const { reports, view, refresh, runtime, background } = anExchange({ cache })
    await leaveIn(cache, runtime.now() - 1_900)
    refresh()
    await Promise.all(background)
    expect(reports).toHaveLength(0)
    expect(view.accepted).toEqual([aSnapshot(runtime.now() - 1_900)])
  })

  test('asks if it is older, and leaves the answer to the others', async () => {
    const { cache, puts } = aFakeCache()
    const { reports, refresh, runtime, background } = anExchange({ cache })
    await leaveIn(cache, runtime.now() - 2_000)
    refresh()
    await Promise.all(background)
    expect(reports).toHaveLength(1)
    expect(puts).toHaveLength(2)
  })

  test('does nothing while what it knows is young', async () => {
    const { view, refresh, runtime, background, pass } = anExchange()
    view.accept(aSnapshot(runtime.now()))
    refresh()
    await pass(1_900)
    refresh()
    expect(background).toHaveLength(0)
    await pass(100)
    refresh()
    expect(background).toHaveLength(1)
  })
})

describe('what is left in the cache', () => {
  test('has a key of the host, the region and the config, and lasts 30 s', async () => {
    const { cache, puts } = aFakeCache()
    await leaveIn(cache, 1_000_000)
    expect(puts.map(({ url }) => url)).toEqual(['https://mesh.example/regions/eu?format=1&config=cfg_1'])
    expect(puts[0]?.response.headers.get('cache-control')).toBe('max-age=30')
  })

  test('is written by one of all that come in the same second', async () => {
    const { cache, puts } = aFakeCache()
    for (const atMs of [1_000_000, 1_000_400, 1_000_999, 1_001_000]) await leaveIn(cache, atMs)
    expect(puts).toHaveLength(2)
  })

  test('is not what a monitor says that has just begun', async () => {
    const { cache, puts } = aFakeCache()
    const { view, refresh, background } = anExchange({
      cache,
      monitor: () => Promise.resolve({ region: 'eu', atMs: 1_000_000, pools: {}, tokenRatios: {} }),
    })
    view.see()
    refresh()
    await Promise.all(background)
    expect(view.accepted).toHaveLength(1)
    expect(puts).toHaveLength(0)
  })
})

describe('warming up', () => {
  test('gives a fresh isolate what the data centre knows, and asks no object', async () => {
    const { cache } = aFakeCache()
    const { view, exchange, reports, runtime } = anExchange({ cache })
    await leaveIn(cache, runtime.now() - 29_000)
    await exchange.warmUp(view, HOST)
    expect(view.accepted).toHaveLength(1)
    expect(reports).toHaveLength(0)
  })

  test.each([
    ['has measured itself', (view: IsolateView) => view.see()],
    ['has heard of late', (view: IsolateView) => view.accept(aSnapshot(990_000))],
  ])('leaves alone one that %s', async (_name, prepare) => {
    const { cache, matches } = aFakeCache()
    const { view, exchange } = anExchange({ cache })
    prepare(view)
    await exchange.warmUp(view, HOST)
    expect(matches).toHaveLength(0)
  })

  test('is for one that nobody has asked for long, too', async () => {
    const { cache } = aFakeCache()
    const { view, exchange, runtime } = anExchange({ cache })
    await leaveIn(cache, runtime.now())
    view.accept(aSnapshot(runtime.now() - 10_001))
    await exchange.warmUp(view, HOST)
    expect(view.snapshotAtMs).toBe(runtime.now())
  })

  test('waits ten milliseconds for a cache at most', async () => {
    const { view, exchange } = anExchange({ cache: aFakeCache({ hangs: true }).cache })
    const warming = exchange.warmUp(view, HOST)
    await vi.advanceTimersByTimeAsync(10)
    await warming
    expect(view.accepted).toEqual([])
  })

  test('does not ask an empty cache again for a second', async () => {
    const { cache, matches } = aFakeCache()
    const { view, exchange, pass } = anExchange({ cache })
    await exchange.warmUp(view, HOST)
    await exchange.warmUp(view, HOST)
    expect(matches).toHaveLength(1)
    await pass(1_000)
    await exchange.warmUp(view, HOST)
    expect(matches).toHaveLength(2)
  })

  test.each([
    ['no JSON', '<html>'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['another format', JSON.stringify({ format: 0, snapshot: aSnapshot(1_000_000) })],
    ['no snapshot', JSON.stringify({ format: 1 })],
    ['a snapshot without a time', held({ atMs: null })],
    ['pools that are none', held({ pools: [] })],
    ['a pool that is none', held({ pools: { near: 7 } })],
    ['no ratios', held({ tokenRatios: null })],
    ['another region', held({ region: 'us' })],
    ['one that is too old', held({ atMs: 969_999 })],
    ['one from the future', held({ atMs: 1_006_000 })],
  ])('takes nothing from a cache that holds %s', async (_name, text) => {
    const { cache } = aFakeCache({ text })
    const { view, exchange } = anExchange({ cache })
    await exchange.warmUp(view, HOST)
    expect(view.accepted).toEqual([])
  })

  test('what an isolate cannot take is as if there were none', async () => {
    const { cache } = aFakeCache({ text: held({}) })
    const { view, exchange } = anExchange({ cache })
    view.accept = () => {
      throw new TypeError('not as expected')
    }
    await expect(exchange.warmUp(view, HOST)).resolves.toBeUndefined()
  })

  test.each([
    ['there is none', undefined],
    ['it fails', aFakeCache({ fails: true }).cache],
  ])('is not needed: where %s, exchanges go on without a cache', async (_name, cache) => {
    const { view, exchange, refresh, background } = anExchange({ cache: cache ?? ({} as Cache) })
    await exchange.warmUp(view, HOST)
    refresh()
    await Promise.all(background)
    expect(view.accepted).toHaveLength(1)
  })

  test('needs a host: an object has none, and exchanges without a cache', async () => {
    const { cache, matches } = aFakeCache()
    const { view, exchange, background } = anExchange({ cache })
    await exchange.warmUp(view, undefined)
    exchange.refresh(view, undefined, (work) => background.push(work))
    await Promise.all(background)
    expect(view.accepted).toHaveLength(1)
    expect(matches).toHaveLength(0)
  })
})

function held(changes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ format: 1, snapshot: { ...aSnapshot(1_000_000), ...changes } })
}
